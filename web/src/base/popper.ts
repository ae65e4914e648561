import { nextTick } from 'vue'

/** Takes role="tooltip" off the pop-up of ElSelect, ElTreeSelect and their like: it holds a list, and a tooltip without a
 *  name fails WCAG 4.1.2 (axe aria-tooltip-name). Give it to their visible-change event; SelectInput does so itself. */
export async function tidyPopper(visible: boolean): Promise<void> {
  if (!visible) return
  await nextTick()
  for (const popper of document.querySelectorAll('.el-popper[role="tooltip"]')) {
    if (popper.querySelector('[role="listbox"], [role="tree"]')) popper.setAttribute('role', 'presentation')
  }
}
