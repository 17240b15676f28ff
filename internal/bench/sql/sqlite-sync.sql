-- The same as postgres-sync.sql, with SQLite's means. The staging table is a
-- temporary one, which needs no log.
.bail on
pragma journal_mode = wal;
pragma synchronous = full;
pragma cache_size = -262144;
pragma temp_store = file;
create temp table stage (
  employee_id text, username text, first_name text, last_name text, email text, department text, title text, manager text,
  city text, country text, phone1 text, starts_on text, expires_on text, status text, institution text, description text);
.mode csv
.import --skip 1 --schema temp @FEED@ stage
begin immediate;
create unique index temp.stage_key on stage (employee_id);
create temp table delta as
  select a.id, case when a.id is null then null else json_object('id',a.id,'employee_id',a.employee_id,'username',a.username,'first_name',a.first_name,
    'last_name',a.last_name,'email',a.email,'department',a.department,'title',a.title,'manager',a.manager,'city',a.city,'country',a.country,
    'phone1',a.phone1,'starts_on',a.starts_on,'expires_on',a.expires_on,'status',a.status,'institution',a.institution,'description',a.description) end as j, s.*
  from stage s left join accounts a on a.employee_id = s.employee_id
  where a.id is null or a.username is not s.username or a.first_name is not s.first_name or a.last_name is not s.last_name or a.email is not s.email
    or a.department is not s.department or a.title is not s.title or a.manager is not s.manager or a.city is not s.city
    or a.country is not s.country or a.phone1 is not s.phone1 or a.starts_on is not s.starts_on or a.expires_on is not s.expires_on
    or a.status is not 'active' or a.institution is not s.institution or a.description is not s.description;
create temp table gone as
  select id, json_object('id',a.id,'employee_id',a.employee_id,'username',a.username,'first_name',a.first_name,
    'last_name',a.last_name,'email',a.email,'department',a.department,'title',a.title,'manager',a.manager,'city',a.city,'country',a.country,
    'phone1',a.phone1,'starts_on',a.starts_on,'expires_on',a.expires_on,'status',a.status,'institution',a.institution,'description',a.description) as j
  from accounts a where status <> 'suspended' and not exists (select 1 from stage s where s.employee_id = a.employee_id);
insert into audit (run, action, account_id, before, after)
  select 1, 'suspend', id, j, json_set(j, '$.status', 'suspended') from gone;
update accounts set status = 'suspended', updated_at = current_timestamp where id in (select id from gone);
update accounts set (username, first_name, last_name, email, department, title, manager, city, country, phone1, starts_on, expires_on, status, institution, description, updated_at) =
  (d.username, d.first_name, d.last_name, d.email, d.department, d.title, d.manager, d.city, d.country, d.phone1, d.starts_on, d.expires_on, 'active', d.institution, d.description, current_timestamp)
  from delta d where d.id = accounts.id;
insert into accounts (employee_id, username, first_name, last_name, email, department, title, manager, city, country, phone1, starts_on, expires_on, status, institution, description)
  select employee_id, username, first_name, last_name, email, department, title, manager, city, country, phone1, starts_on, expires_on, 'active', institution, description from delta where id is null;
insert into audit (run, action, account_id, before, after)
  select 1, case when d.id is null then 'create' else 'update' end, a.id, d.j, json_object('id',a.id,'employee_id',a.employee_id,'username',a.username,'first_name',a.first_name,
    'last_name',a.last_name,'email',a.email,'department',a.department,'title',a.title,'manager',a.manager,'city',a.city,'country',a.country,
    'phone1',a.phone1,'starts_on',a.starts_on,'expires_on',a.expires_on,'status',a.status,'institution',a.institution,'description',a.description)
  from delta d join accounts a on a.employee_id = d.employee_id;
commit;
