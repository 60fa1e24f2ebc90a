-- Removes a file with all its versions and tags. Only the newest version's uploader or an admin may.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5 name
-- Answers { revision }. GROUP_NOT_FOUND, NOT_A_MEMBER, FILE_NOT_FOUND, NOT_AN_ADMIN.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not roleOf(ARGV[2]) then return refuse('NOT_A_MEMBER', ARGV[2]) end
local json = redis.call('HGET', KEYS[6], ARGV[5])
if not json then return refuse('FILE_NOT_FOUND', ARGV[5]) end
local file = cjson.decode(json)
if not mayRule(file) then return refuse('NOT_AN_ADMIN', 'remove a file that another member uploaded') end
redis.call('HDEL', KEYS[6], ARGV[5])
redis.call('ZREM', KEYS[9], ARGV[5])
release(file.fileId)
local older, seen = {}, { [file.fileId] = true }
for _, row in ipairs(rowsBelow(KEYS[10], ARGV[5] .. '\n')) do
  local fileId = cjson.decode(jsonOf(row)).fileId
  release(fileId)
  if not seen[fileId] then older[#older + 1] = quote(fileId) end
  seen[fileId] = true
end
for set = 10, 12 do removeRowsBelow(KEYS[set], ARGV[5] .. '\n') end
local revision = emit(string.format('"type":"file.removed","name":%s,"fileId":"%s","older":[%s]',
  quote(ARGV[5]), file.fileId, table.concat(older, ',')))
return done(string.format('{"revision":%d}', revision))
