-- Makes a tag of a file name this version, whatever it named before. Only the newest version's uploader or an admin may.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5 name, 6 version, 7 tag
-- Answers { revision, tag }. GROUP_NOT_FOUND, NOT_A_MEMBER, FILE_NOT_FOUND, NOT_AN_ADMIN, VERSION_NOT_FOUND,
-- TOO_MANY_TAGS.
local TAGS_OF_NAME = 1000
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not roleOf(ARGV[2]) then return refuse('NOT_A_MEMBER', ARGV[2]) end
local name, version, tag = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local json = redis.call('HGET', KEYS[6], name)
if not json then return refuse('FILE_NOT_FOUND', name) end
local newest = cjson.decode(json)
if not mayRule(newest) then return refuse('NOT_AN_ADMIN', 'tag a file that another member uploaded') end
local record = newest
if version ~= newest.version then
  local row = rowsBelow(KEYS[10], numbered(name, version))[1]
  if not row then return refuse('VERSION_NOT_FOUND', name .. '@' .. ARGV[6]) end
  record = cjson.decode(jsonOf(row))
end
local row = tagRow(name, tag)
local before = row and cjson.decode(jsonOf(row))
if before and before.version == version then
  return done(string.format('{"revision":%s,"tag":%s}', redis.call('GET', KEYS[2]), jsonOf(row)))
end
if not row and #rowsBelow(KEYS[11], name .. '\n') >= TAGS_OF_NAME then return refuse('TOO_MANY_TAGS', name) end

local from = before and before.version
local now = string.format('{"name":%s,"tag":%s,"version":%d,"fileId":"%s","by":%s,"at":%s}',
  quote(name), quote(tag), version, record.fileId, quote(ARGV[2]), quote(ARGV[3]))
if row then redis.call('ZREM', KEYS[11], row) end
redis.call('ZADD', KEYS[11], 0, name .. '\n' .. tag .. '\n' .. now)
local revision = emit(string.format('"type":"file.tagged","name":%s,"tag":%s,"version":%d,"fileId":"%s","from":%s',
  quote(name), quote(tag), version, record.fileId, from and string.format('%d', from) or 'null'))
keepChange(name, tag, revision, from, version)
if from then dropUnkept(name, from, newest.version) end
return done(string.format('{"revision":%d,"tag":%s}', revision, now))
