-- Removes members: all or none.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5… users
-- Answers { revision }. GROUP_NOT_FOUND, NOT_AN_ADMIN, NOT_THE_OWNER, MEMBER_NOT_FOUND.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not isAdmin(ARGV[2]) then return refuse('NOT_AN_ADMIN', 'remove members') end
local byOwner = roleOf(ARGV[2]) == 'owner'
for i = 5, #ARGV do
  local role = roleOf(ARGV[i])
  if not role then return refuse('MEMBER_NOT_FOUND', ARGV[i]) end
  if role == 'owner' then return refuse('NOT_THE_OWNER', 'end the membership of ' .. ARGV[i] .. ', by leaving') end
  if role == 'admin' and not byOwner then return refuse('NOT_THE_OWNER', 'remove the admin ' .. ARGV[i]) end
end
for i = 5, #ARGV do redis.call('HDEL', KEYS[5], ARGV[i]) end
local revision = emit('"type":"member.kicked","users":' .. listFrom(5))
return done(string.format('{"revision":%d}', revision))
