// Builds the gallery of parts, which is looked at and tested but never shipped: npm run gallery
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { elementStyle } from '../build/element-style.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('.'),
  publicDir: false,
  plugins: [vue(), elementStyle()],
  resolve: { alias: { '@': at('../src') } },
  build: { outDir: at('../../e2e/out/gallery'), emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})
