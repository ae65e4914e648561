// Writes src/api.gen.ts from the OpenAPI document: `npm run gen -- ../build/openapi.json`, or OPENAPI=…
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = process.argv[2] ?? process.env.OPENAPI ?? '../build/openapi.json'
if (!existsSync(source)) {
  console.error(`gen: ${source} is not there; write it first with: qushu openapi > ${source}`)
  process.exit(1)
}
const tool = fileURLToPath(new URL('../node_modules/openapi-typescript/bin/cli.js', import.meta.url))
const target = fileURLToPath(new URL('../src/api.gen.ts', import.meta.url))
execFileSync(process.execPath, [tool, source, '-o', target], { stdio: 'inherit' })
