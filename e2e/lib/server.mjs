// Starts the real program on an empty data directory and a free port.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The program under test. */
export const program = process.env.E2E_PROGRAM ?? fileURLToPath(new URL('../../bin/qushu', import.meta.url))

// The program refuses a QUSHU_… variable it does not know, and the test's own must not configure it.
const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUSHU_')))

/** A port of this computer that nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

/** Starts `qushu <command> --data DIR --listen ADDR` and resolves when /readyz says yes.
 *  Gives { url, data, output(), stop() }; output() is what the program has printed so far (set-up token, demo passwords). */
export async function startServer({ command = ['serve'], data = mkdtempSync(join(tmpdir(), 'qushu-e2e-data-')), patience = 60_000, env = {} } = {}) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(program, [...command, '--data', data, '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...own, ...env } })
  let printed = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  child.stderr.on('data', (chunk) => (printed += chunk))
  const gone = once(child, 'exit')

  async function stop() {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await gone
    }
    rmSync(data, { recursive: true, force: true })
  }

  const until = Date.now() + patience
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the server stopped with ${child.exitCode}:\n${printed}`)
    const ready = await fetch(`${url}/readyz`).catch(() => null)
    if (ready?.ok) return { url, data, output: () => printed, stop }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stop()
  throw new Error(`the server was not ready after ${patience} ms:\n${printed}`)
}
