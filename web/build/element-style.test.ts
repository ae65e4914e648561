import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { folderOf, withStyles } from './element-style'

it('adds the styles of components and of nothing else', () => {
  expect(withStyles("import { ElTable, ElTableColumn as Col, useLocale, type FormRules } from 'element-plus'\nrest")).toBe(
    "import { ElTable, ElTableColumn as Col, useLocale, type FormRules } from 'element-plus';" +
      "import 'element-plus/es/components/table/style/css';import 'element-plus/es/components/table-column/style/css';\nrest",
  )
})
it.each(['ElButton', 'ElDatePicker', 'ElTableColumn', 'ElTreeSelect', 'ElConfigProvider', 'ElTableV2'])('the folder of %s exists', (name) => {
  const root = fileURLToPath(new URL('../node_modules/element-plus/es/components/', import.meta.url))
  expect(existsSync(`${root}${folderOf(name)}/style/css.mjs`)).toBe(true)
})
