import { useI18n } from 'vue-i18n'
import { kindWord, nodeOf, type Flow, type Node, type Process } from './model'

/** How elements without a name are called. */
export function useWords(process: () => Process) {
  const { t } = useI18n()
  function node(of: Node | undefined): string {
    if (!of) return ''
    if (of.name) return of.name
    const kind = t(`flow.draw.kind.${kindWord(of.kind)}`)
    if (of.kind === 'startEvent' || of.kind === 'endEvent') return kind
    const into = process().flows.filter((f) => f.to === of.id)
    const before = into.length === 1 ? nodeOf(process(), into[0]!.from)?.name : ''
    return before ? t('flow.draw.afterNode', [kind, before]) : `${kind} ${of.id}`
  }
  const at = (id: string) => node(nodeOf(process(), id)) || id
  return { node, at, flow: (of: Flow) => t('flow.draw.leads', [at(of.from), at(of.to)]), out: (of: Flow) => (of.name ? t('flow.draw.leads', [of.name, at(of.to)]) : t('flow.draw.leadsTo', [at(of.to)])) }
}
