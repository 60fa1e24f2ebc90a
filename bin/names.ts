/**
 * A DNS query or its answer gets lost now and then, above all while a network of containers changes. glibc asks
 * again only after five seconds, and tells nobody meanwhile; where a second server is silent too, one name has been
 * seen to take forty, in which a process may look no other names up. With this it asks again after one second, and
 * more often. Read by glibc alone (resolv.conf(5)), when the process looks its first name up.
 */
process.env.RES_OPTIONS ??= 'timeout:1 attempts:5'
