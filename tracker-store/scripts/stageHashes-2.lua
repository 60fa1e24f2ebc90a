-- Writes a page of chunk hashes to a user's staging area, which expires an hour after the last page.
-- KEYS: 1 staged hashes, 2 their stamp
-- ARGV: 1 offset in bytes, 2 page, 3 new stamp
-- Answers {}. HASHES_NEEDED: an earlier page is missing. SETRANGE would fill the hole, so one short page at a large
-- offset would cost half a gigabyte.
if tonumber(ARGV[1]) > redis.call('STRLEN', KEYS[1]) then return refuse('HASHES_NEEDED', 'the earlier chunks') end
redis.call('SETRANGE', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('SET', KEYS[2], ARGV[3], 'EX', 3600)
return { 'OK', '{}' }
