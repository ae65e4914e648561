import { fileURLToPath } from 'node:url'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import floors from './eslint/floors.js'

const src = fileURLToPath(new URL('./src', import.meta.url))

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api.gen.ts'] },
  ...tseslint.configs.recommended,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    rules: {
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/attributes-order': 'off',
      'vue/require-default-prop': 'off',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/no-v-html': 'error',
      'vue/no-undef-components': ['error', { ignorePatterns: [] }],
      'vue/no-static-inline-styles': ['error', { allowBinding: true }],
      'vue/no-unused-refs': 'error',
      'no-console': 'error',
      'no-undef': 'off', // TypeScript's own check is the better one
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 100, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 4],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['src/**/*.{ts,vue}'],
    plugins: { house: { rules: { floors } } },
    rules: {
      'house/floors': ['error', { src }],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Use api, send or upload from @/base/api: they add the CSRF header, the Idempotency-Key and the problem in words.' }],
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[object.name='localStorage']", message: 'Nothing is kept in the browser but theme and language.' },
        { selector: "MemberExpression[object.name='sessionStorage']", message: 'Nothing is kept in the browser but theme and language.' },
      ],
    },
  },
  {
    files: ['src/**/*.{ts,vue}'],
    ignores: ['src/base/SelectInput.vue'],
    rules: {
      'no-restricted-imports': [
        'error',
        { name: 'element-plus', importNames: ['ElSelect', 'ElOption'], message: 'Use SelectInput from base, or a plain <select class="input">: the kit’s pop-up has role="tooltip" without a name.' },
        { name: 'element-plus', importNames: ['ElMessage', 'ElMessageBox', 'ElNotification', 'ElPopconfirm'], message: 'Use toast() and confirmDeed() from base.' },
        { name: 'element-plus', importNames: ['ElDropdown', 'ElMenu'], message: 'Use MenuButton from base: it has the keys of a menu.' },
        { name: 'axios', message: 'Use api from @/base/api.' },
      ],
    },
  },
  { files: ['src/base/i18n.ts', 'src/kernel/look.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['src/base/api.ts', 'src/kernel/connection.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['scripts/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.test.ts'], rules: { 'max-lines-per-function': 'off' } },
)
