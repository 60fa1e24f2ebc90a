import { execFileSync, spawn } from 'node:child_process'
import { unpacked } from '../../packed/unpack.ts'

const KEEPER = new URL('./packed/keeper', import.meta.url)
/** Has mkfifo, sleep, cat and rm, in case the caller's PATH is empty. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

/** Makes a named pipe that only this user can open. */
export function makePipe(path: string, env: NodeJS.ProcessEnv): void {
  const keeper = unpacked(KEEPER)
  const [program, args] = keeper ? [keeper, ['--make', path]] : ['mkfifo', ['-m', '600', path]]
  execFileSync(program, args, { env: withSystemPath(env), stdio: 'ignore' })
}

/**
 * Keeps a server running while any process holds the write end of `pipe` open; the caller must already hold
 * it. `command` is the server's program and arguments. The single binary uses its keeper (keeper.c), because
 * the system may have no shell. A checkout uses the shell script below, because it has no compiled program
 * and must not need a compiler.
 */
export function supervise(
  pipe: string,
  command: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): void {
  const keeper = unpacked(KEEPER)
  const [program, args] = keeper
    ? [keeper, [pipe, ...command]]
    : ['/bin/sh', ['-c', SUPERVISOR_SCRIPT, 'shoal-redis', pipe, ...command]]
  spawn(program, args, { cwd: folder, env: withSystemPath(env), detached: true, stdio: 'ignore' }).unref()
}

const withSystemPath = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  PATH: `${env.PATH ?? ''}:${SYSTEM_PATH}`,
})

/**
 * Keeps one Redis server alive exactly as long as some process wants it, however that process ends. Each
 * owner holds the write end of a named pipe. The kernel closes it when the owner dies, even by SIGKILL, and
 * the last close is the end of file that this shell waits for. Until then the shell restarts a server that
 * dies. ($$ is the shell's own process, even in the subshell; once it is gone, nothing is restarted.) It is
 * plain POSIX sh because a watchdog in Node would cost 40 MB beside a 3 MB server.
 *
 * Arguments: the pipe, then the server's command line.
 */
const SUPERVISOR_SCRIPT = `
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
