-- The same as postgres-schema.sql.
pragma journal_mode = wal;
create table accounts (
  id integer primary key, employee_id text not null, username text not null, first_name text, last_name text, email text not null,
  department text, title text, manager text, city text, country text, phone1 text,
  starts_on text, expires_on text, status text not null default 'active', institution text, description text,
  created_at text not null default current_timestamp, updated_at text not null default current_timestamp);
create unique index accounts_employee_id on accounts (employee_id);
create unique index accounts_username on accounts (lower(username));
create unique index accounts_email on accounts (lower(email));
create index accounts_expires_on on accounts (expires_on);
create index accounts_updated_at on accounts (updated_at);
create table audit (
  id integer primary key, at text not null default current_timestamp, run integer not null, action text not null,
  account_id integer not null, before text, after text);
create index audit_account on audit (account_id);
