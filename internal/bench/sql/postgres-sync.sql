-- One transaction: COPY into a staging table, the difference found once by a
-- full join, then set by set. Empty cells are NULL.
\set ON_ERROR_STOP on
begin;
create temp table stage (
  employee_id text, username text, first_name text, last_name text, email text, department text, title text, manager text,
  city text, country text, phone1 text, starts_on date, expires_on date, status text, institution text, description text) on commit drop;
\copy stage from '@FEED@' with (format csv, header)
analyze stage;
create temp table delta on commit drop as
  select a.id, case when a.id is null then null else to_jsonb(a) end j, s.*
  from accounts a full join stage s using (employee_id)
  where a.id is null or (s.employee_id is null and a.status <> 'suspended') or (s.employee_id is not null and
        (a.username, a.first_name, a.last_name, a.email, a.department, a.title, a.manager, a.city, a.country, a.phone1,
         a.starts_on, a.expires_on, a.status, a.institution, a.description) is distinct from
        (s.username, s.first_name, s.last_name, s.email, s.department, s.title, s.manager, s.city, s.country, s.phone1,
         s.starts_on, s.expires_on, 'active', s.institution, s.description));
analyze delta;
with gone as (
  update accounts a set status = 'suspended', updated_at = now() from delta d
  where d.id = a.id and d.employee_id is null returning a.*)
insert into audit (run, action, account_id, before, after)
select 1, 'suspend', g.id, d.j, to_jsonb(g) from gone g join delta d on d.id = g.id;
with upd as (
  update accounts a set (username, first_name, last_name, email, department, title, manager, city, country, phone1,
         starts_on, expires_on, status, institution, description, updated_at) =
        row (o.username, o.first_name, o.last_name, o.email, o.department, o.title, o.manager, o.city, o.country, o.phone1,
         o.starts_on, o.expires_on, 'active', o.institution, o.description, now())
  from delta o where a.id = o.id and o.employee_id is not null returning a.*)
insert into audit (run, action, account_id, before, after)
select 1, 'update', u.id, o.j, to_jsonb(u) from upd u join delta o on o.id = u.id;
with ins as (
  insert into accounts (employee_id, username, first_name, last_name, email, department, title, manager, city, country, phone1,
         starts_on, expires_on, status, institution, description)
  select employee_id, username, first_name, last_name, email, department, title, manager, city, country, phone1,
         starts_on, expires_on, 'active', institution, description from delta where id is null
  returning *)
insert into audit (run, action, account_id, after)
select 1, 'create', i.id, to_jsonb(i) from ins i;
commit;
