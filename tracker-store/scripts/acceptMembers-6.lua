-- Makes users who asked to join members: all or none.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 requests
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5… users
-- Answers { revision }. GROUP_NOT_FOUND, NOT_AN_ADMIN, REQUEST_NOT_FOUND.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not isAdmin(ARGV[2]) then return refuse('NOT_AN_ADMIN', 'accept members') end
for i = 5, #ARGV do
  if redis.call('HEXISTS', KEYS[6], ARGV[i]) == 0 then return refuse('REQUEST_NOT_FOUND', ARGV[i]) end
end
for i = 5, #ARGV do
  redis.call('HDEL', KEYS[6], ARGV[i])
  setMember(ARGV[i], 'member', ARGV[3])
end
local revision = emit('"type":"member.accepted","users":' .. listFrom(5))
return done(string.format('{"revision":%d}', revision))
