import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const texts = /\.(js|css|html|svg|json|webmanifest|txt)$/
const smallest = 1024 // bytes: below this a compressed copy saves no packet

/** Writes .gz and .br beside every text file of the build, so that the server compresses nothing at run time. */
export function precompress(): Plugin {
  let dir = ''
  return {
    name: 'qushu:precompress',
    apply: 'build',
    configResolved(config) {
      dir = join(config.root, config.build.outDir)
    },
    closeBundle() {
      for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !texts.test(entry.name)) continue
        const file = join(entry.parentPath, entry.name)
        const raw = readFileSync(file)
        if (raw.length < smallest) continue
        writeFileSync(file + '.gz', gzipSync(raw, { level: 9 }))
        writeFileSync(file + '.br', brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }))
      }
    },
  }
}
