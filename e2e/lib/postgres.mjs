// Another system's PostgreSQL, which lives as long as the test.
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../scripts/with-postgres', import.meta.url))

function psql() {
  try {
    const [newest] = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
    return `/usr/lib/postgresql/${newest}/bin/psql`
  } catch {
    return 'psql'
  }
}

/** Starts it. Gives { host, port, database, user, run(sql), stop() }. */
export async function startPostgres() {
  const child = spawn(script, ['sh', '-c', 'echo "at $QUSHU_TEST_POSTGRES"; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const url = await new Promise((resolve, reject) => {
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
      const found = /at (postgres:\S+)/.exec(printed)
      if (found) resolve(new URL(found[1]))
    })
    child.on('exit', () => reject(new Error(`PostgreSQL did not start: ${printed}`)))
  })
  const run = (sql) => execFileSync(psql(), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', url.hostname, '-p', url.port, '-U', url.username, 'postgres'], { input: sql, encoding: 'utf8' })
  return {
    host: url.hostname, port: Number(url.port), database: 'postgres', user: url.username, run,
    stop: async () => {
      child.stdin.end()
      await gone
    },
  }
}
