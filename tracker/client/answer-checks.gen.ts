// @ts-nocheck
// Made of tracker/api/schemas.ts by `npm run gen:checks`: change that, not this.
import type { AnswerName } from './answers.ts'

export const CHECKS: Record<AnswerName, (value: unknown) => boolean> = {
  UserBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("user" in value && typeof value.user === "string")));
    return (value) => check_0(value)
  })(),
  SessionBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ((("user" in value && "token" in value) && "expires" in value) && ((typeof value.user === "string" && typeof value.token === "string") && typeof value.expires === "string"))));
    return (value) => check_0(value)
  })(),
  GroupBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (((((("group" in value && "owner" in value) && "role" in value) && "members" in value) && "files" in value) && "revision" in value) && (((((typeof value.group === "string" && typeof value.owner === "string") && ((((typeof value.role === "string" && value.role === "owner") || (typeof value.role === "string" && value.role === "admin")) || (typeof value.role === "string" && value.role === "member")) || value.role === null)) && (Array.isArray(value.members) && value.members.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && ((("user" in unique_0 && "role" in unique_0) && "since" in unique_0) && ((typeof unique_0.user === "string" && (((typeof unique_0.role === "string" && unique_0.role === "owner") || (typeof unique_0.role === "string" && unique_0.role === "admin")) || (typeof unique_0.role === "string" && unique_0.role === "member"))) && typeof unique_0.since === "string"))))))) && (Number.isInteger(value.files) && (!((Number.isFinite(value.files) || typeof value.files === "bigint")) || value.files >= 0))) && (Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0))))));
    return (value) => check_0(value)
  })(),
  GroupList: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (("groups" in value && "next" in value) && ((Array.isArray(value.groups) && value.groups.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((("group" in unique_0 && "owner" in unique_0) && "members" in unique_0) && "role" in unique_0) && (((typeof unique_0.group === "string" && typeof unique_0.owner === "string") && (Number.isInteger(unique_0.members) && (!((Number.isFinite(unique_0.members) || typeof unique_0.members === "bigint")) || unique_0.members >= 0))) && ((((typeof unique_0.role === "string" && unique_0.role === "owner") || (typeof unique_0.role === "string" && unique_0.role === "admin")) || (typeof unique_0.role === "string" && unique_0.role === "member")) || unique_0.role === null))))))) && (typeof value.next === "string" || value.next === null)))));
    return (value) => check_0(value)
  })(),
  RequestList: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("requests" in value && (Array.isArray(value.requests) && value.requests.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (("user" in unique_0 && "since" in unique_0) && (typeof unique_0.user === "string" && typeof unique_0.since === "string")))))))));
    return (value) => check_0(value)
  })(),
  RevisionBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("revision" in value && (Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0)))));
    return (value) => check_0(value)
  })(),
  LeaveBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ((("revision" in value && "removed" in value) && "heir" in value) && (((Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0)) && typeof value.removed === "boolean") && (typeof value.heir === "string" || value.heir === null)))));
    return (value) => check_0(value)
  })(),
  PromoteBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (("revision" in value && "role" in value) && ((Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0)) && (((typeof value.role === "string" && value.role === "owner") || (typeof value.role === "string" && value.role === "admin")) || (typeof value.role === "string" && value.role === "member"))))));
    return (value) => check_0(value)
  })(),
  FileList: (() => {
    const External = [/^[0-9a-f]{64}$/u]
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ((("files" in value && "next" in value) && "revision" in value) && (((Array.isArray(value.files) && value.files.every((unique_0, index) => ((((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((((("name" in unique_0 && "fileId" in unique_0) && "size" in unique_0) && "version" in unique_0) && "uploader" in unique_0) && "added" in unique_0) && (((((typeof unique_0.name === "string" && (typeof unique_0.fileId === "string" && External[0].test(unique_0.fileId))) && (Number.isInteger(unique_0.size) && (!((Number.isFinite(unique_0.size) || typeof unique_0.size === "bigint")) || unique_0.size >= 0))) && (Number.isInteger(unique_0.version) && (!((Number.isFinite(unique_0.version) || typeof unique_0.version === "bigint")) || unique_0.version >= 1))) && typeof unique_0.uploader === "string") && typeof unique_0.added === "string"))) && ((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (("seeders" in unique_0 && "leechers" in unique_0) && ((Number.isInteger(unique_0.seeders) && (!((Number.isFinite(unique_0.seeders) || typeof unique_0.seeders === "bigint")) || unique_0.seeders >= 0)) && (Number.isInteger(unique_0.leechers) && (!((Number.isFinite(unique_0.leechers) || typeof unique_0.leechers === "bigint")) || unique_0.leechers >= 0))))))))) && (typeof value.next === "string" || value.next === null)) && (Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0))))));
    return (value) => check_0(value)
  })(),
  VersionList: (() => {
    const External = [/^[0-9a-f]{64}$/u]
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (("versions" in value && "revision" in value) && ((Array.isArray(value.versions) && value.versions.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((((("name" in unique_0 && "fileId" in unique_0) && "size" in unique_0) && "version" in unique_0) && "uploader" in unique_0) && "added" in unique_0) && (((((typeof unique_0.name === "string" && (typeof unique_0.fileId === "string" && External[0].test(unique_0.fileId))) && (Number.isInteger(unique_0.size) && (!((Number.isFinite(unique_0.size) || typeof unique_0.size === "bigint")) || unique_0.size >= 0))) && (Number.isInteger(unique_0.version) && (!((Number.isFinite(unique_0.version) || typeof unique_0.version === "bigint")) || unique_0.version >= 1))) && typeof unique_0.uploader === "string") && typeof unique_0.added === "string")))))) && (Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0))))));
    return (value) => check_0(value)
  })(),
  Published: (() => {
    const External = [/^[0-9a-f]{64}$/u]
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (("files" in value && "revision" in value) && ((Array.isArray(value.files) && value.files.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((((("name" in unique_0 && "fileId" in unique_0) && "size" in unique_0) && "version" in unique_0) && "uploader" in unique_0) && "added" in unique_0) && (((((typeof unique_0.name === "string" && (typeof unique_0.fileId === "string" && External[0].test(unique_0.fileId))) && (Number.isInteger(unique_0.size) && (!((Number.isFinite(unique_0.size) || typeof unique_0.size === "bigint")) || unique_0.size >= 0))) && (Number.isInteger(unique_0.version) && (!((Number.isFinite(unique_0.version) || typeof unique_0.version === "bigint")) || unique_0.version >= 1))) && typeof unique_0.uploader === "string") && typeof unique_0.added === "string")))))) && (Number.isInteger(value.revision) && (!((Number.isFinite(value.revision) || typeof value.revision === "bigint")) || value.revision >= 0))))));
    return (value) => check_0(value)
  })(),
  JoinedSwarms: (() => {
    const External = [/^[0-9a-f]{64}$/u, /^[0-9a-f]{64}$/u]
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("swarms" in value && (Array.isArray(value.swarms) && value.swarms.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((("fileId" in unique_0 && "grant" in unique_0) && "expires" in unique_0) && "peers" in unique_0) && (((((typeof unique_0.fileId === "string" && External[0].test(unique_0.fileId)) && typeof unique_0.grant === "string") && typeof unique_0.expires === "string") && (Array.isArray(unique_0.peers) && unique_0.peers.every((unique_1, index) => (((typeof unique_1 === "object" && unique_1 !== null && !(Array.isArray(unique_1))) && ((((("peer" in unique_1 && "host" in unique_1) && "port" in unique_1) && "tls" in unique_1) && "complete" in unique_1) && (((((typeof unique_1.peer === "string" && External[1].test(unique_1.peer)) && typeof unique_1.host === "string") && (Number.isInteger(unique_1.port) && (!((Number.isFinite(unique_1.port) || typeof unique_1.port === "bigint")) || (unique_1.port >= 1 && unique_1.port <= 65535)))) && typeof unique_1.tls === "boolean") && typeof unique_1.complete === "boolean"))))))) && (unique_0.hashes === undefined || (!("hashes" in unique_0) || typeof unique_0.hashes === "string")))))))))));
    return (value) => check_0(value)
  })(),
  Announced: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (("interval" in value && "resync" in value) && (Number.isFinite(value.interval) && typeof value.resync === "boolean"))));
    return (value) => check_0(value)
  })(),
  Progressed: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("interval" in value && Number.isFinite(value.interval))));
    return (value) => check_0(value)
  })(),
  KeySet: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && ("keys" in value && (Array.isArray(value.keys) && value.keys.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && (((("kid" in unique_0 && "kty" in unique_0) && "crv" in unique_0) && "x" in unique_0) && (((((typeof unique_0.kid === "string" && (typeof unique_0.kty === "string" && unique_0.kty === "OKP")) && (typeof unique_0.crv === "string" && unique_0.crv === "Ed25519")) && typeof unique_0.x === "string") && (unique_0.alg === undefined || (!("alg" in unique_0) || typeof unique_0.alg === "string"))) && (unique_0.use === undefined || (!("use" in unique_0) || typeof unique_0.use === "string")))))))))));
    return (value) => check_0(value)
  })(),
  StatusBody: (() => {
    const External = []
    const check_0 = ((value) => ((typeof value === "object" && value !== null && !(Array.isArray(value))) && (((((((("replicas" in value && "users" in value) && "groups" in value) && "files" in value) && "swarms" in value) && "peers" in value) && "streams" in value) && "redis" in value) && ((((((((Array.isArray(value.replicas) && value.replicas.every((unique_0, index) => (((typeof unique_0 === "object" && unique_0 !== null && !(Array.isArray(unique_0))) && ((((((("id" in unique_0 && "url" in unique_0) && "revisionLag" in unique_0) && "uptime" in unique_0) && "memory" in unique_0) && "swarms" in unique_0) && "peers" in unique_0) && ((((((typeof unique_0.id === "string" && typeof unique_0.url === "string") && (Number.isInteger(unique_0.revisionLag) && (!((Number.isFinite(unique_0.revisionLag) || typeof unique_0.revisionLag === "bigint")) || unique_0.revisionLag >= 0))) && Number.isFinite(unique_0.uptime)) && (Number.isInteger(unique_0.memory) && (!((Number.isFinite(unique_0.memory) || typeof unique_0.memory === "bigint")) || unique_0.memory >= 0))) && (Number.isInteger(unique_0.swarms) && (!((Number.isFinite(unique_0.swarms) || typeof unique_0.swarms === "bigint")) || unique_0.swarms >= 0))) && (Number.isInteger(unique_0.peers) && (!((Number.isFinite(unique_0.peers) || typeof unique_0.peers === "bigint")) || unique_0.peers >= 0)))))))) && (Number.isInteger(value.users) && (!((Number.isFinite(value.users) || typeof value.users === "bigint")) || value.users >= 0))) && (Number.isInteger(value.groups) && (!((Number.isFinite(value.groups) || typeof value.groups === "bigint")) || value.groups >= 0))) && (Number.isInteger(value.files) && (!((Number.isFinite(value.files) || typeof value.files === "bigint")) || value.files >= 0))) && (Number.isInteger(value.swarms) && (!((Number.isFinite(value.swarms) || typeof value.swarms === "bigint")) || value.swarms >= 0))) && (Number.isInteger(value.peers) && (!((Number.isFinite(value.peers) || typeof value.peers === "bigint")) || value.peers >= 0))) && ((typeof value.streams === "object" && value.streams !== null && !(Array.isArray(value.streams))) && (("changes" in value.streams && "longest" in value.streams) && ((Number.isInteger(value.streams.changes) && (!((Number.isFinite(value.streams.changes) || typeof value.streams.changes === "bigint")) || value.streams.changes >= 0)) && (Number.isInteger(value.streams.longest) && (!((Number.isFinite(value.streams.longest) || typeof value.streams.longest === "bigint")) || value.streams.longest >= 0)))))) && ((typeof value.redis === "object" && value.redis !== null && !(Array.isArray(value.redis))) && (((("kind" in value.redis && "masters" in value.redis) && "copies" in value.redis) && "memory" in value.redis) && (((((((typeof value.redis.kind === "string" && value.redis.kind === "unix") || (typeof value.redis.kind === "string" && value.redis.kind === "single")) || (typeof value.redis.kind === "string" && value.redis.kind === "sentinel")) || (typeof value.redis.kind === "string" && value.redis.kind === "cluster")) && (Number.isInteger(value.redis.masters) && (!((Number.isFinite(value.redis.masters) || typeof value.redis.masters === "bigint")) || value.redis.masters >= 0))) && (Number.isInteger(value.redis.copies) && (!((Number.isFinite(value.redis.copies) || typeof value.redis.copies === "bigint")) || value.redis.copies >= 0))) && (Number.isInteger(value.redis.memory) && (!((Number.isFinite(value.redis.memory) || typeof value.redis.memory === "bigint")) || value.redis.memory >= 0)))))))));
    return (value) => check_0(value)
  })(),
}
