/** What a customer finds beside its data. */
export const README = `This is all data of one customer as the application stored it, read at one moment.

data/<table>.csv.gz  One file a table: CSV (RFC 4180), UTF-8, compressed with gzip. The first line names the columns.
                     An empty field without quotes is "no value"; an empty text is "".
schema.sql           The definitions of the tables, for PostgreSQL. Any database can import the CSV files without it.
files.tar.gz         The uploaded files; missing where there are none.
manifest.json        Every file with its size and SHA-256, and how many rows each table has.

Times are RFC 3339. To check a file: sha256sum <file>, and compare with manifest.json.
`;
