import type { Plugin } from 'vite'

const statement = /import\s*\{([^}]+)\}\s*from\s*['"]element-plus['"];?/g

/** The style folder of a component: ElDatePicker → date-picker. */
export function folderOf(component: string): string {
  return component.slice(2).replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
}

/** Adds to every `import { ElX } from 'element-plus'` the import of the styles of X, so that pages import
 *  components in plain sight and still load only the CSS they use. Types and use… functions have no style. */
export function withStyles(code: string): string {
  return code.replace(statement, (whole, list: string) => {
    const names = list
      .split(',')
      .map((part) => part.trim().split(/\s+as\s+/)[0] ?? '')
      .filter((name) => /^El[A-Z]/.test(name))
    const styles = names.map((name) => `import 'element-plus/es/components/${folderOf(name)}/style/css';`)
    return names.length ? [whole.replace(/;$/, ''), ';', ...styles].join('') : whole
  })
}

/** The vite plugin around withStyles. */
export function elementStyle(): Plugin {
  return {
    name: 'qushu:element-style',
    transform(code, id) {
      if (id.includes('node_modules') || !code.includes('element-plus')) return
      const out = withStyles(code)
      return out === code ? undefined : { code: out, map: null }
    },
  }
}
