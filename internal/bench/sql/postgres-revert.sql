-- Takes the first load back: who was created goes, with an audit row.
\set ON_ERROR_STOP on
begin;
with gone as (
  delete from accounts a using audit u where u.run = 1 and u.action = 'create' and u.account_id = a.id returning a.*)
insert into audit (run, action, account_id, before)
select 2, 'remove', g.id, to_jsonb(g) from gone g;
commit;
