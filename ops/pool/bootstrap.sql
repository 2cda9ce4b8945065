-- What the database `warehouse_shared` needs before the application's first migration, whose tables several tenants
-- share. Run by the login warehouse_shared_migrate, again whenever it changes: `node ops/main.ts pool-bootstrap`.
begin;
select pg_advisory_xact_lock(hashtextextended('warehouse pool bootstrap', 0));
set local role warehouse_shared_owner;
set local search_path = pg_catalog, pg_temp;
set local client_min_messages = warning;

create schema if not exists tenancy authorization warehouse_shared_owner;
revoke all on schema tenancy, app from public;
grant usage on schema tenancy, app to warehouse_shared_rw, warehouse_shared_ro;

-- The tenant whose rows this session sees. The setting alone proves nothing, as every login can set it: it counts only
-- for the tenant's own logins, and for the platform's, which act for one tenant at a time. session_user, unlike
-- current_user, stays the same under SET ROLE and in functions of another owner.
create or replace function app.current_tenant() returns text
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select id
  from (select current_setting('app.tenant_id', true)) setting (id),
    lateral (select 'warehouse_' || replace(id, '-', '_')) named (prefix)
  where id ~ '^[a-z](-?[a-z0-9])+$' and length(id) between 3 and 40
    and (
      session_user::text in (prefix || '_app_a', prefix || '_app_b', prefix || '_backup', prefix || '_migrate')
      or pg_has_role(session_user, 'warehouse_shared_owner', 'MEMBER')
    )
$$;
revoke all on function app.current_tenant() from public;
grant execute on function app.current_tenant() to warehouse_shared_rw, warehouse_shared_ro;

-- Which policies are the one that tenancy.protect makes. Expressions are compared as PostgreSQL prints them with the
-- search path of the functions below.
create or replace view tenancy.policies as
select polrelid as relation, polname as name, polpermissive as permissive,
  polname = 'tenant_isolation' and polpermissive and polcmd = '*' and polroles = '{0}'
    and coalesce(pg_get_expr(polqual, polrelid), '') = expected
    and coalesce(pg_get_expr(polwithcheck, polrelid), '') = expected as isolates
from pg_policy, (values ('(tenant_id = ( SELECT app.current_tenant() AS current_tenant))')) as own (expected);

-- The columns that can carry the tenant. Under a nondeterministic collation different ids could be equal.
create or replace view tenancy.tenant_columns as
select attrelid as relation, attnum as number
from pg_attribute join pg_collation on pg_collation.oid = attcollation
where attname = 'tenant_id' and attnum > 0 and not attisdropped
  and atttypid = 'text'::regtype and attnotnull and collisdeterministic;

-- Keys across tenants: whether another tenant has a value would show in the error of an insert.
create or replace view tenancy.keys_across_tenants as
select indrelid as relation, indexrelid as key
from pg_index
where (indisunique or indisexclusion) and not exists (
  select from tenancy.tenant_columns tenant_column
  where relation = indrelid and number = any ((indkey::int2[])[0:indnkeyatts - 1])
);

-- Puts a table of the application and its partitions under row-level security, and only then lets tenants in.
-- Its migrations call it for each table they create; again does no harm and takes no lock that readers notice.
create or replace function tenancy.protect(target regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  facts pg_class;
  faults text;
  part regclass;
begin
  select * into facts from pg_class where oid = target;
  if facts.relkind not in ('r', 'p') then
    raise exception '% is no table: tenancy.protect takes plain and partitioned tables only', target
      using errcode = 'wrong_object_type';
  end if;
  if facts.relnamespace <> 'app'::regnamespace then
    raise exception '% is outside schema app: move it there, where pool-check sees it', target
      using errcode = 'invalid_schema_name';
  end if;
  if not exists (select from tenancy.tenant_columns where relation = target) then
    raise exception '% has no column "tenant_id text not null" (of a deterministic collation): add it', target
      using errcode = 'invalid_table_definition';
  end if;
  if not exists (select from pg_index where indrelid = target and indisprimary) then
    raise exception '% has no primary key: give it one that contains tenant_id', target
      using errcode = 'invalid_table_definition';
  end if;
  select string_agg(key::regclass::text, ', ' order by key::regclass::text) into faults
  from tenancy.keys_across_tenants where relation = target;
  if faults is not null then
    raise exception '% has a primary or unique key without tenant_id: %; add tenant_id to it', target, faults
      using errcode = 'invalid_table_definition';
  end if;
  select string_agg(quote_ident(name), ', ' order by name) into faults
  from tenancy.policies where relation = target and permissive and name <> 'tenant_isolation';
  if faults is not null then
    raise exception '% has another permissive policy: %; drop it or make it restrictive', target, faults
      using errcode = 'invalid_object_definition';
  end if;

  if not facts.relrowsecurity then
    execute format('alter table %s enable row level security', target);
  end if;
  if not facts.relforcerowsecurity then
    execute format('alter table %s force row level security', target);
  end if;
  if not exists (select from tenancy.policies where relation = target and isolates) then
    execute format('drop policy if exists tenant_isolation on %s', target);
    -- The subquery is evaluated once a statement, not once a row.
    execute format(
      'create policy tenant_isolation on %s using (tenant_id = (select app.current_tenant()))'
      ' with check (tenant_id = (select app.current_tenant()))', target);
  end if;

  execute format('grant select, insert, update, delete on %s to warehouse_shared_rw', target);
  execute format('grant select on %s to warehouse_shared_ro', target);
  for part in
    select pg_class.oid
    from pg_depend join pg_class on pg_class.oid = objid and relkind = 'S'
    where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and refobjid = target
      and deptype in ('a', 'i')
  loop
    execute format('grant usage on sequence %s to warehouse_shared_rw', part);
    execute format('grant select on sequence %s to warehouse_shared_ro', part);
  end loop;
  for part in select inhrelid from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = target and relispartition
  loop
    perform tenancy.protect(part);
  end loop;
end
$$;

-- Everything that would let a tenant at another's rows, or past row-level security; no row = none.
create or replace function tenancy.problems() returns table (object text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
with recursive
tenant (oid) as (
  select oid from pg_roles where rolname in ('warehouse_shared_rw', 'warehouse_shared_ro')
  union
  select member
  from tenant join pg_auth_members on roleid = tenant.oid join pg_roles on pg_roles.oid = member
  -- The platform's role is a member of all it made, from PostgreSQL 16 on.
  where not rolsuper and not rolcreaterole
),
-- The roles whose privileges tenants have, PUBLIC (0) among them.
held_by_tenants (oid) as (
  select oid from tenant
  union
  select roleid from held_by_tenants join pg_auth_members on member = held_by_tenants.oid
),
holder (oid, name) as (
  select 0::oid, 'PUBLIC'
  union all
  select oid, rolname::text from held_by_tenants join pg_roles using (oid)
  where rolname <> 'warehouse_shared_owner'
),
relation as (
  select pg_class.oid, pg_class.oid::regclass::text as object, relkind, relowner, relacl, reloptions,
    relrowsecurity, relforcerowsecurity, nspname = 'app' as in_app
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname !~ '^pg_' and nspname <> 'information_schema' and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),
shared_table as (
  select * from relation where in_app and relkind in ('r', 'p')
),
-- Distinct, as columns have their own lists.
access as (
  select distinct relation.oid, object, relkind, in_app, holder.oid = 0 as public, name, privilege_type
  from (
    select oid, relacl as acl from relation
    union all
    select attrelid, attacl from pg_attribute
  ) list (oid, acl)
  join relation using (oid),
  aclexplode(acl) entry
  join holder on holder.oid = entry.grantee
)
select object, 'row-level security is not enabled' from shared_table where not relrowsecurity
union all
select object, 'row-level security is not forced' from shared_table where not relforcerowsecurity
union all
select object, 'lacks the policy that tenancy.protect makes' from shared_table
where not exists (select from tenancy.policies where relation = oid and isolates)
union all
select object, format('has another permissive policy: %I', name)
from shared_table join tenancy.policies on relation = oid
where permissive and not isolates
union all
select object, 'has no column "tenant_id text not null" of a deterministic collation' from shared_table
where not exists (select from tenancy.tenant_columns where relation = oid)
union all
select object, format('the key %s omits tenant_id', key::regclass)
from shared_table join tenancy.keys_across_tenants on relation = oid
union all
select object, format('the foreign key %I can refer to another tenant''s row', conname)
from shared_table join pg_constraint on conrelid = shared_table.oid
where contype = 'f' and conparentid = 0 and not exists (
  select
  from unnest(conkey, confkey) pair (here, there)
  join tenancy.tenant_columns own on own.relation = conrelid and own.number = here
  join tenancy.tenant_columns other on other.relation = confrelid and other.number = there
)
union all
select object, 'belongs to ' || pg_get_userbyid(relowner) from relation
where in_app and pg_get_userbyid(relowner) <> 'warehouse_shared_owner'
union all
select object, 'is a view without security_invoker' from relation
where in_app and relkind = 'v' and not exists (
  select from pg_options_to_table(reloptions) where option_name = 'security_invoker' and option_value::boolean
)
union all
select object, 'is a materialized view that tenants may read: ' || name from access
where in_app and relkind = 'm' and privilege_type = 'SELECT'
union all
select object, 'is a foreign table, which row-level security does not cover' from relation
where in_app and relkind = 'f'
union all
select object, name || ' has ' || privilege_type from access
where in_app and (
  public
  or relkind <> 'S' and privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  or relkind = 'S' and privilege_type = 'UPDATE'
  or name = 'warehouse_shared_ro' and privilege_type <> 'SELECT'
)
union all
select distinct object, 'is outside schema app and open to ' || name from access
where not in_app and not exists (
  select from pg_depend where classid = 'pg_class'::regclass and objid = access.oid and deptype = 'e'
)
union all
select pg_proc.oid::regprocedure::text, 'is a SECURITY DEFINER function that ' || name || ' may execute'
from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) entry join holder on holder.oid = grantee
where pronamespace = 'app'::regnamespace and prosecdef and privilege_type = 'EXECUTE'
union all
select 'schema ' || quote_ident(nspname), name || ' has ' || privilege_type
from pg_namespace, aclexplode(nspacl) entry join holder on holder.oid = grantee
where nspname !~ '^pg_' and (privilege_type = 'CREATE' or grantee = 0 and nspname in ('app', 'tenancy'))
union all
select 'database ' || quote_ident(datname), name || ' has ' || privilege_type
from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) entry join holder on holder.oid = grantee
where datname = current_database() and (privilege_type = 'CREATE' or privilege_type = 'CONNECT' and grantee = 0)
union all
select 'default privileges of ' || pg_get_userbyid(defaclrole), name || ' will have ' || privilege_type
from pg_default_acl, aclexplode(defaclacl) entry join holder on holder.oid = grantee
where defaclobjtype in ('r', 'S', 'n')
union all
select rolname::text, 'is a tenant''s role and acts as warehouse_shared_owner'
from tenant join pg_roles using (oid)
where exists (
  select from pg_auth_members where member = oid and pg_get_userbyid(roleid) = 'warehouse_shared_owner'
)
order by 1, 2
$$;

revoke all on all functions in schema tenancy from public;
commit;
