-- Removes the caller from a group. The longest-serving admin inherits from an owner; the group ends with its last
-- member.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history, 13 requests
-- ARGV: 1 group, 2 by, 3 at, 4 channel
-- Answers { revision, removed, heir }. GROUP_NOT_FOUND, NOT_A_MEMBER, LAST_OWNER.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
local role = roleOf(ARGV[2])
if not role then return refuse('NOT_A_MEMBER', ARGV[2]) end

-- Delete at once, since no member is left to download; a thousand keys a call, since 100,000 calls would block Redis.
local function unlinkHashes()
  local fileIds = redis.call('HKEYS', KEYS[7])
  for first = 1, #fileIds, 1000 do
    local keys = {}
    for i = first, math.min(first + 999, #fileIds) do keys[#keys + 1] = KEYS[8] .. fileIds[i] end
    redis.call('UNLINK', unpack(keys))
  end
end

if redis.call('HLEN', KEYS[5]) == 1 then
  unlinkHashes()
  redis.call('UNLINK', KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13])
  local revision = emit('"type":"group.removed"')
  redis.call('EXPIRE', KEYS[3], DAY)
  return done(string.format('{"revision":%d,"removed":true,"heir":null}', revision))
end

-- Ordered by time of joining, then by name: any reader of the records can predict the heir.
local function longestStandingAdmin()
  local heir
  for _, json in ipairs(redis.call('HVALS', KEYS[5])) do
    if string.find(json, '"role":"admin"', 1, true) then
      local admin = cjson.decode(json)
      if not heir or admin.since < heir.since or (admin.since == heir.since and admin.user < heir.user) then
        heir = admin
      end
    end
  end
  return heir and heir.user
end

local change = '"type":"member.left","user":' .. quote(ARGV[2])
local heir = 'null'
if role == 'owner' then
  local user = longestStandingAdmin()
  if not user then return refuse('LAST_OWNER') end
  setRole(user, 'owner')
  redis.call('HSET', KEYS[4], 'owner', user)
  heir = quote(user)
  change = change .. ',"heir":' .. heir
end
redis.call('HDEL', KEYS[5], ARGV[2])
return done(string.format('{"revision":%d,"removed":false,"heir":%s}', emit(change), heir))
