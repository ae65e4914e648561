// Prints what a browser loads for the first workbench page, gzipped, and fails above the limit.
// Read from the build's manifest: the entry, the shell, the Chinese texts and every page of the desk room for a wide screen,
// with everything they import statically.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const limit = 250 * 1024
const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'))
const firstPage = ['index.html', 'src/kernel/shell/Shell.vue', 'src/base/text/zh.json', 'src/kernel/text/zh.json', 'src/rooms/desk/zh.json', 'node_modules/element-plus/es/locale/lang/zh-cn.mjs']
const desk = Object.keys(manifest).filter((key) => /^src\/rooms\/desk\/[^/]+\.vue$/.test(key) && !key.endsWith('.m.vue'))

const files = new Set(['index.html'])
const walk = (key) => {
  const chunk = manifest[key]
  if (!chunk || files.has(chunk.file)) return
  files.add(chunk.file)
  for (const css of chunk.css ?? []) files.add(css)
  for (const next of chunk.imports ?? []) walk(next)
}
;[...firstPage, ...desk].forEach(walk)

let total = 0
for (const file of [...files].sort()) {
  const path = join(dist, file)
  const size = gzipSync(readFileSync(path), { level: 9 }).length
  total += size
  console.log(`${(size / 1024).toFixed(1).padStart(8)} KB gz  ${(statSync(path).size / 1024).toFixed(0).padStart(6)} KB  ${file}`)
}
console.log(`${(total / 1024).toFixed(1).padStart(8)} KB gz  first load of the workbench (limit ${limit / 1024} KB)`)
if (desk.length === 0) {
  console.error('size: no workbench page found in the manifest')
  process.exit(1)
}
if (total > limit) process.exit(1)
