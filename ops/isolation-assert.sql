-- Whether tenants' databases are isolated from each other: no row = they are. Reads catalogs only; run it as any role:
--   psql -X -f ops/isolation-assert.sql "host=… dbname=postgres user=platform"
-- It looks at effective access lists: a database without one (datacl is null) lets PUBLIC in.
with tenant_role as (
  -- The database that a role belongs to: its name without the suffix, so that acme is not acme_2.
  select oid, rolname, rolcanlogin, rolconnlimit, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
    regexp_replace(rolname, '_(owner|rw|ro|app_a|app_b|migrate|backup)$', '') as home
  from pg_roles
  where rolname ~ '^warehouse_.+_(owner|rw|ro|app_a|app_b|migrate|backup)$'
),
open_database as (
  select oid, datname, datdba, datconnlimit, datacl
  from pg_database
  -- Nobody but AWS gets into rdsadmin, and nobody else can change it.
  where datallowconn and datname <> 'rdsadmin'
),
tenant_database as (
  select * from open_database where datname in (select home from tenant_role)
),
-- Who may connect to which of the databases that the tenants of placement "pool" of a cell share.
pool_member as (
  select distinct tenant_role.oid, tenant_role.rolname, regexp_replace(shared.rolname, '_(rw|ro)$', '') as pool
  from tenant_role, pg_roles shared
  where shared.rolname ~ '^warehouse_shared(_.+)?_(rw|ro)$' and tenant_role.oid <> shared.oid
    and pg_has_role(tenant_role.oid, shared.oid, 'USAGE')
),
access as (
  select database.datname, entry.grantee, entry.privilege_type
  from open_database database, aclexplode(coalesce(datacl, acldefault('d', datdba))) entry
)
select datname as object, 'PUBLIC has ' || privilege_type as problem
from access where grantee = 0
union all
select database.datname, role.rolname || ', a login of ' || role.home || ', can connect'
from open_database database, tenant_role role
where role.rolcanlogin and role.home <> database.datname
  and has_database_privilege(role.oid, database.oid, 'CONNECT')
  and (role.oid, database.datname) not in (select oid, pool from pool_member)
  -- Said once, of PUBLIC.
  and not exists (
    select from access where access.datname = database.datname and grantee = 0 and privilege_type = 'CONNECT'
  )
union all
select database.datname, 'has ' || privilege_type || ' granted to ' || pg_get_userbyid(grantee)
from tenant_database database
join access using (datname)
where grantee not in (0, database.datdba)
  and grantee not in (select oid from tenant_role where home = database.datname)
  and grantee not in (select oid from tenant_role where rolcanlogin)
union all
select database.datname, 'belongs to the tenant role ' || role.rolname
from open_database database join tenant_role role on role.oid = database.datdba
union all
select datname, 'has no connection limit' from tenant_database where datconnlimit < 0
union all
select rolname, 'logs in without a connection limit' from tenant_role where rolcanlogin and rolconnlimit < 0
union all
select rolname, 'is no login but can log in' from tenant_role where rolcanlogin and rolname ~ '_(owner|rw|ro)$'
union all
select rolname, 'has the right ' || attribute
from tenant_role, lateral (values
  ('SUPERUSER', rolsuper), ('CREATEDB', rolcreatedb), ('CREATEROLE', rolcreaterole),
  ('REPLICATION', rolreplication), ('BYPASSRLS', rolbypassrls)
) as held (attribute, has)
where has
union all
select role.rolname, 'is a member of ' || pg_get_userbyid(roleid)
from pg_auth_members join tenant_role role on role.oid = member
where roleid not in (
    select oid from tenant_role other where other.home = role.home
    -- The application's logins must not own what they read and write.
    and (other.rolname !~ '_owner$' or role.rolname ~ '_migrate$')
  )
  -- A tenant's rows are in the pool, or move there or away.
  and not (role.rolname ~ '_(rw|owner)$' and pg_get_userbyid(roleid) ~ '^warehouse_shared(_.+)?_rw$')
  and not (
    role.rolname ~ '_app_[ab]$' and pg_get_userbyid(roleid) ~ '^warehouse_shared(_.+)?_rw$'
    and role.home not in (select datname from tenant_database)
  )
  and not (role.rolname ~ '_backup$' and pg_get_userbyid(roleid) ~ '^warehouse_shared(_.+)?_ro$')
union all
select rolname, 'can enter the shared databases of several cells: ' || string_agg(pool, ', ' order by pool)
from pool_member group by rolname having count(*) > 1
union all
select role.rolname, 'has the member ' || other.rolname
from pg_auth_members join tenant_role role on role.oid = roleid join pg_roles other on other.oid = member
where not other.rolsuper
  and other.oid not in (select oid from tenant_role)
  -- The platform's role made them and administers them.
  and other.oid not in (select datdba from tenant_database)
order by 1, 2;
