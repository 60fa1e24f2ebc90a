-- The owner makes a member an admin.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5 user
-- Answers { revision, role }. GROUP_NOT_FOUND, NOT_THE_OWNER, MEMBER_NOT_FOUND, ALREADY_ADMIN.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if roleOf(ARGV[2]) ~= 'owner' then return refuse('NOT_THE_OWNER', 'promote members') end
local role = roleOf(ARGV[5])
if not role then return refuse('MEMBER_NOT_FOUND', ARGV[5]) end
if role ~= 'member' then return refuse('ALREADY_ADMIN', ARGV[5]) end
setRole(ARGV[5], 'admin')
local revision = emit('"type":"member.promoted","user":' .. quote(ARGV[5]) .. ',"role":"admin"')
return done(string.format('{"revision":%d,"role":"admin"}', revision))
