import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { elementStyle } from './build/element-style.ts'
import { precompress } from './build/precompress.ts'

const backend = process.env.QUSHU_BACKEND ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [vue(), elementStyle(), precompress()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: 'true', // Element Plus still has a few options-API parts
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // a data: URL would need a hole in the content security policy
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: 'vue', test: /node_modules\/(@vue|vue|vue-router|pinia|vue-i18n|@intlify)\// }],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': { target: backend },
      '/realtime': { target: backend, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts', 'build/**/*.test.ts', 'eslint/**/*.test.ts'] },
})
