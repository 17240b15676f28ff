-- The same as postgres-revert.sql.
.bail on
pragma synchronous = full;
pragma cache_size = -262144;
begin immediate;
insert into audit (run, action, account_id, before)
  select 2, 'remove', u.account_id, u.after from audit u join accounts a on a.id = u.account_id where u.run = 1 and u.action = 'create';
delete from accounts where id in (select account_id from audit where run = 1 and action = 'create');
commit;
