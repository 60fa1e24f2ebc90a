-- Removes a tag of a file name. Only the newest version's uploader or an admin may.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history
-- ARGV: 1 group, 2 by, 3 at, 4 channel, 5 name, 6 tag
-- Answers { revision }. GROUP_NOT_FOUND, NOT_A_MEMBER, FILE_NOT_FOUND, NOT_AN_ADMIN, VERSION_NOT_FOUND.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not roleOf(ARGV[2]) then return refuse('NOT_A_MEMBER', ARGV[2]) end
local name, tag = ARGV[5], ARGV[6]
local json = redis.call('HGET', KEYS[6], name)
if not json then return refuse('FILE_NOT_FOUND', name) end
local newest = cjson.decode(json)
if not mayRule(newest) then return refuse('NOT_AN_ADMIN', 'untag a file that another member uploaded') end
local row = tagRow(name, tag)
if not row then return refuse('VERSION_NOT_FOUND', name .. '@' .. tag) end
local version = cjson.decode(jsonOf(row)).version
redis.call('ZREM', KEYS[11], row)
local revision = emit(string.format('"type":"file.untagged","name":%s,"tag":%s,"version":%d',
  quote(name), quote(tag), version))
keepChange(name, tag, revision, version, nil)
dropUnkept(name, version, newest.version)
return done(string.format('{"revision":%d}', revision))
