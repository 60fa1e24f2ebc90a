/**
 * A DNS query or its answer sometimes gets lost, above all while a container network changes. glibc retries
 * only after five seconds and reports nothing meanwhile. If a second server is silent too, one name has taken
 * forty seconds, and the process could look up no other name. With this setting glibc retries after one
 * second, and more often. Only glibc reads it (resolv.conf(5)), at the first look-up.
 */
process.env.RES_OPTIONS ??= 'timeout:1 attempts:5'
