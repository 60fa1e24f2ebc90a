/**
 * Keeps one Redis server alive for exactly as long as some process wants it, however that process ends. Each
 * owner holds the write end of a named pipe (the lifeline); the kernel closes it when the owner dies, even by
 * SIGKILL, and the last close is the end of file that this shell waits for. Until then it restarts a server
 * that dies ($$ is the shell's own process, also in the subshell: without it nothing is restarted). Plain POSIX sh, because a watchdog in Node would cost 40 MB beside a server of 3.
 *
 * Arguments: the pipe, then the server's command line.
 */
export const SUPERVISOR_SCRIPT = `
fifo=$1
shift
exec 3<"$fifo"
trap '' INT HUP
(
  trap 'kill "$server" 2>/dev/null; wait "$server"; exit 0' TERM
  while kill -0 $$ 2>/dev/null; do
    "$@" &
    server=$!
    wait "$server"
    sleep 0.1
  done
) 3<&- &
keeper=$!
cat <&3 >/dev/null
rm -f "$fifo"
kill "$keeper"
wait "$keeper"
`
