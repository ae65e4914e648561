import { computed, ref, shallowRef, watch } from 'vue'
import { text } from '@/base/i18n'
import { begin, record, redo, undo, type History } from './history'
import { addLane, assign, rehome, settle } from './lanes'
import { add, connect, flowOf, laneOf, moveBy, nodeOf, remove, setFlow, setLane, setNode, type Flow, type Lane, type Node, type Offer, type Process } from './model'

const names = (kind: Offer) => text(`flow.draw.new.${kind}`)

/** The drawing on the table: its history, what is selected, and what the hand does to it. */
export function useSheet() {
  const history = shallowRef<History<Process>>()
  const kept = shallowRef<Process>() // as the server has it
  const selected = ref('') // id of a node, flow or lane; '' is the process itself
  const process = computed(() => history.value?.now)

  const put = (next: Process, tag = '') => history.value && (history.value = record(history.value, next, tag))
  /** Changes the drawing as it stands. */
  const change = (how: (p: Process) => Process, tag = '') => process.value && put(how(process.value), tag)
  watch(process, (now) => {
    if (now && selected.value && ![nodeOf, flowOf, laneOf].some((of) => of(now, selected.value))) selected.value = ''
  })
  return {
    history, kept, selected, process, put, change,
    changed: computed(() => process.value !== kept.value),
    node: computed(() => process.value && nodeOf(process.value, selected.value)),
    flow: computed(() => process.value && flowOf(process.value, selected.value)),
    lane: computed(() => process.value && laneOf(process.value, selected.value)),
    /** Begins with a drawing as the server has it. */
    start(p: Process) {
      kept.value = p
      history.value = begin(p)
      selected.value = ''
    },
    select: (id: string) => (selected.value = id),
    undo: () => history.value && (history.value = undo(history.value)),
    redo: () => history.value && (history.value = redo(history.value)),
    add(offer: Offer) {
      const made = add(process.value!, offer, selected.value, names)
      if (!made.id) return
      put(made.p.lanes?.length ? settle(made.p) : made.p, `add-${made.id}`)
      selected.value = made.id
    },
    connect: (from: string, to: string) => change((p) => connect(p, from, to).p),
    remove: (id: string) => id && change((p) => remove(p, id)),
    move: (id: string, dx: number, dy: number, tag = '') => change((p) => rehome(moveBy(p, id, dx, dy), id), tag),
    setNode: (id: string, to: Partial<Node>, tag = '') => change((p) => setNode(p, id, to), tag),
    setFlow: (id: string, to: Partial<Flow>, tag = '') => change((p) => setFlow(p, id, to), tag),
    setLane: (id: string, to: Partial<Lane>, tag = '') => change((p) => setLane(p, id, to), tag),
    /** A band comes below; nothing that is drawn moves. */
    addLane() {
      const made = addLane(process.value!, text('flow.draw.new.lane'))
      put(made.p, `add-${made.id}`)
      selected.value = made.id
    },
    assign: (id: string, lane: string) => change((p) => assign(p, id, lane), `lane-${id}-${lane}`),
  }
}
