// Draws the files of this folder with the libraries of other tools: node draw.mjs FOLDER, see SOURCES.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BpmnModdle } from 'bpmn-moddle'
import { layoutProcess } from 'bpmn-auto-layout'

const require = createRequire(import.meta.url)
const into = process.argv[2]
const model = 'http://www.omg.org/spec/BPMN/20100524/MODEL'
const extensions = {
  camunda: require('camunda-bpmn-moddle/resources/camunda.json'),
  zeebe: require('zeebe-bpmn-moddle/resources/zeebe.json'),
  pm: require('@processmaker/processmaker-bpmn-moddle/resources/processmaker.json'),
  flowable: JSON.parse(readFileSync('flowable.json', 'utf8')),
}

// draw reads a sketch as the tool would, lays it out with bpmn.io's own layouter, and writes it as the tool writes.
async function draw(file, tool, body, layout = true) {
  const space = tool ? ` xmlns:${tool}="${extensions[tool].uri}"` : ''
  let xml = `<bpmn:definitions xmlns:bpmn="${model}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"${space} id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn">${body}</bpmn:definitions>`
  const moddle = new BpmnModdle(tool ? { [tool]: extensions[tool] } : {})
  const read = async () => {
    const { rootElement, warnings } = await moddle.fromXML(xml)
    const bad = warnings.filter((w) => !w.message.startsWith('unknown attribute'))
    if (bad.length) throw new Error(file + ': ' + bad.map((w) => w.message).join('; '))
    return rootElement
  }
  if (layout) {
    const sketch = await read()
    const link = (scope) => {
      for (const e of scope.flowElements ?? []) {
        if (e.$type === 'bpmn:SequenceFlow') {
          e.sourceRef.get('outgoing').push(e)
          e.targetRef.get('incoming').push(e)
        }
        link(e)
      }
    }
    sketch.rootElements.forEach(link)
    xml = await layoutProcess((await moddle.toXML(sketch)).xml)
  }
  const rootElement = await read()
  writeFileSync(`${into}/${file}`, (await moddle.toXML(rootElement, { format: true })).xml)
}

const flow = (id, from, to, name = '', when = '') =>
  `<bpmn:sequenceFlow id="${id}" ${name && `name="${name}"`} sourceRef="${from}" targetRef="${to}">${when && `<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${when}</bpmn:conditionExpression>`}</bpmn:sequenceFlow>`

await draw('bpmnio-repair.bpmn', '', `<bpmn:process id="Process_repair" name="物业报修" isExecutable="false">
  <bpmn:startEvent id="StartEvent_1" name="业主报修"/>
  <bpmn:task id="Activity_accept" name="受理"/>
  <bpmn:exclusiveGateway id="Gateway_own" name="物业能修？"/>
  <bpmn:task id="Activity_fix" name="上门维修"/>
  <bpmn:task id="Activity_hire" name="委托专业单位"/>
  <bpmn:exclusiveGateway id="Gateway_join"/>
  <bpmn:task id="Activity_visit" name="回访"/>
  <bpmn:endEvent id="Event_end" name="办结"/>
  <bpmn:dataObjectReference id="DataObjectReference_1" name="报修单" dataObjectRef="DataObject_1"/>
  <bpmn:dataObject id="DataObject_1"/>
  <bpmn:textAnnotation id="TextAnnotation_1"><bpmn:text>紧急的两小时内上门</bpmn:text></bpmn:textAnnotation>
  <bpmn:association id="Association_1" sourceRef="Activity_fix" targetRef="TextAnnotation_1"/>
  ${flow('Flow_1', 'StartEvent_1', 'Activity_accept')}${flow('Flow_2', 'Activity_accept', 'Gateway_own')}
  ${flow('Flow_3', 'Gateway_own', 'Activity_fix', '能')}${flow('Flow_4', 'Gateway_own', 'Activity_hire', '不能')}
  ${flow('Flow_5', 'Activity_fix', 'Gateway_join')}${flow('Flow_6', 'Activity_hire', 'Gateway_join')}
  ${flow('Flow_7', 'Gateway_join', 'Activity_visit')}${flow('Flow_8', 'Activity_visit', 'Event_end')}
</bpmn:process>`)

await draw('camunda-countersign.bpmn', 'camunda', `<bpmn:message id="Message_1" name="withdrawn"/>
<bpmn:process id="countersign" name="Joint review" isExecutable="true" camunda:historyTimeToLive="180" camunda:candidateStarterGroups="clerks">
  <bpmn:startEvent id="start" name="Request filed" camunda:initiator="starter"/>
  <bpmn:userTask id="draft" name="Draft" camunda:assignee="\${starter}" camunda:formKey="embedded:app:forms/draft.html"/>
  <bpmn:userTask id="review" name="Review by each office" camunda:candidateUsers="\${office}">
    <bpmn:extensionElements><camunda:taskListener class="org.example.Remind" event="create"/></bpmn:extensionElements>
    <bpmn:multiInstanceLoopCharacteristics camunda:collection="\${offices}" camunda:elementVariable="office">
      <bpmn:completionCondition xsi:type="bpmn:tFormalExpression">\${nrOfCompletedInstances/nrOfInstances &gt;= 0.6}</bpmn:completionCondition>
    </bpmn:multiInstanceLoopCharacteristics>
  </bpmn:userTask>
  <bpmn:boundaryEvent id="late" name="3 days" cancelActivity="false" attachedToRef="review"><bpmn:timerEventDefinition id="T1"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P3D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
  <bpmn:boundaryEvent id="gone" name="Withdrawn" attachedToRef="review"><bpmn:messageEventDefinition id="M1" messageRef="Message_1"/></bpmn:boundaryEvent>
  <bpmn:serviceTask id="remind" name="Remind the leader" camunda:type="external" camunda:topic="remind"/>
  <bpmn:exclusiveGateway id="agreed" name="Agreed?" default="no"/>
  <bpmn:callActivity id="publish" name="Publish" calledElement="publish_notice"/>
  <bpmn:endEvent id="done" name="Published"/><bpmn:endEvent id="refused" name="Refused"/><bpmn:endEvent id="told"/>
  <bpmn:endEvent id="stopped"><bpmn:terminateEventDefinition id="X1"/></bpmn:endEvent>
  ${flow('f1', 'start', 'draft')}${flow('f2', 'draft', 'review')}${flow('f3', 'review', 'agreed')}
  ${flow('yes', 'agreed', 'publish', 'yes', '${approved &amp;&amp; votes &gt;= 3}')}${flow('no', 'agreed', 'refused', 'no')}
  ${flow('f4', 'publish', 'done')}${flow('f5', 'late', 'remind')}${flow('f6', 'remind', 'told')}${flow('f7', 'gone', 'stopped')}
</bpmn:process>`)

await draw('zeebe-subsidy.bpmn', 'zeebe', `<bpmn:process id="subsidy" name="Subsidy" isExecutable="true">
  <bpmn:startEvent id="start"/>
  <bpmn:userTask id="check" name="Check papers"><bpmn:extensionElements><zeebe:userTask/><zeebe:assignmentDefinition assignee="=applicant.officer" candidateGroups="civil-affairs"/><zeebe:formDefinition formId="papers"/></bpmn:extensionElements></bpmn:userTask>
  <bpmn:exclusiveGateway id="size" default="small"/>
  <bpmn:userTask id="approve" name="Approve"><bpmn:extensionElements><zeebe:assignmentDefinition candidateGroups="bureau-leaders"/></bpmn:extensionElements></bpmn:userTask>
  <bpmn:serviceTask id="pay" name="Pay out"><bpmn:extensionElements><zeebe:taskDefinition type="pay" retries="3"/></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:scriptTask id="note" name="Note it"><bpmn:extensionElements><zeebe:script expression="=now()" resultVariable="noted"/></bpmn:extensionElements></bpmn:scriptTask>
  <bpmn:intermediateCatchEvent id="wait" name="Wait a day"><bpmn:timerEventDefinition id="T1"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P1D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
  <bpmn:endEvent id="end"/>
  ${flow('f1', 'start', 'check')}${flow('f2', 'check', 'size')}${flow('large', 'size', 'approve', 'over 10 000', '=amount &gt; 10000')}
  ${flow('small', 'size', 'pay')}${flow('f3', 'approve', 'pay')}${flow('f4', 'pay', 'note')}${flow('f5', 'note', 'wait')}${flow('f6', 'wait', 'end')}
</bpmn:process>`)

await draw('flowable-leave.bpmn', 'flowable', `<bpmn:process id="leave" name="请假审批" isExecutable="true">
  <bpmn:documentation>三天以内由科长批，三天以上由局长批。</bpmn:documentation>
  <bpmn:startEvent id="startEvent1" name="开始" flowable:initiator="initiator"/>
  <bpmn:userTask id="apply" name="填写申请" flowable:assignee="$INITIATOR"/>
  <bpmn:exclusiveGateway id="days"/>
  <bpmn:userTask id="section" name="科长审批" flowable:candidateGroups="section_chief"><bpmn:documentation>看当月考勤</bpmn:documentation></bpmn:userTask>
  <bpmn:userTask id="bureau" name="局长审批" flowable:candidateGroups="bureau_chief" flowable:dueDate="P2D"/>
  <bpmn:parallelGateway id="split"/>
  <bpmn:userTask id="hr" name="人事备案" flowable:candidateUsers="wang,li"/>
  <bpmn:userTask id="cover" name="安排顶岗" flowable:assignee="\${cover}"/>
  <bpmn:exclusiveGateway id="meet"/>
  <bpmn:endEvent id="end"/>
  ${flow('s1', 'startEvent1', 'apply')}${flow('s2', 'apply', 'days')}${flow('s3', 'days', 'section', '三天以内', '${days &lt;= 3}')}${flow('s4', 'days', 'bureau', '三天以上', '${days &gt; 3}')}
  ${flow('s5', 'section', 'split')}${flow('s6', 'bureau', 'split')}${flow('s7', 'split', 'hr')}${flow('s8', 'split', 'cover')}
  ${flow('s9', 'hr', 'meet')}${flow('s10', 'cover', 'meet')}${flow('s11', 'meet', 'end')}
</bpmn:process>`)

await draw('processmaker-purchase.bpmn', 'pm', `<bpmn:process id="ProcessId" name="Purchase" isExecutable="true">
  <bpmn:startEvent id="node_1" name="Start" pm:allowInterstitial="false"/>
  <bpmn:task id="node_2" name="Order" pm:assignment="user_group" pm:assignedUsers="7" pm:dueIn="72"/>
  <bpmn:inclusiveGateway id="node_3" name="What to check" gatewayDirection="Diverging"/>
  <bpmn:task id="node_4" name="Check the budget" pm:assignment="manager"/>
  <bpmn:manualTask id="node_5" name="Look at the goods"><bpmn:standardLoopCharacteristics/></bpmn:manualTask>
  <bpmn:parallelGateway id="node_6" name="All checked" gatewayDirection="Converging"/>
  <bpmn:endEvent id="node_7" name="Tell the supplier"><bpmn:messageEventDefinition id="node_8"/></bpmn:endEvent>
  ${flow('node_9', 'node_1', 'node_2')}${flow('node_10', 'node_2', 'node_3')}${flow('node_11', 'node_3', 'node_4', '', 'amount &gt; 0')}${flow('node_12', 'node_3', 'node_5', '', 'goods')}
  ${flow('node_13', 'node_4', 'node_6')}${flow('node_14', 'node_5', 'node_6')}${flow('node_15', 'node_6', 'node_7')}
</bpmn:process>`)

await draw('bpmnio-pools.bpmn', '', `<bpmn:signal id="Signal_1" name="storm"/>
<bpmn:collaboration id="Collaboration_1">
  <bpmn:participant id="Participant_1" name="Flood control" processRef="Process_flood"/><bpmn:participant id="Participant_2" name="Weather service"/><bpmn:participant id="Participant_3" name="Shelter" processRef="Process_shelter"/>
  <bpmn:messageFlow id="Flow_m" name="warning" sourceRef="Participant_2" targetRef="Start_1"/>
</bpmn:collaboration>
<bpmn:process id="Process_flood" isExecutable="true">
  <bpmn:laneSet id="LaneSet_1"><bpmn:lane id="Lane_district" name="District">
    <bpmn:childLaneSet id="LaneSet_2"><bpmn:lane id="Lane_duty" name="Duty office"><bpmn:flowNodeRef>Start_1</bpmn:flowNodeRef><bpmn:flowNodeRef>Task_judge</bpmn:flowNodeRef></bpmn:lane><bpmn:lane id="Lane_chief" name="Chief"><bpmn:flowNodeRef>Gateway_1</bpmn:flowNodeRef><bpmn:flowNodeRef>Sub_alarm</bpmn:flowNodeRef></bpmn:lane></bpmn:childLaneSet></bpmn:lane>
    <bpmn:lane id="Lane_street" name="Street"><bpmn:flowNodeRef>Task_pump</bpmn:flowNodeRef><bpmn:flowNodeRef>End_1</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
  <bpmn:startEvent id="Start_1" name="Warning"><bpmn:messageEventDefinition id="M1"/></bpmn:startEvent>
  <bpmn:userTask id="Task_judge" name="Judge"/>
  <bpmn:complexGateway id="Gateway_1" name="How grave"/>
  <bpmn:transaction id="Sub_alarm" name="Alarm everybody"><bpmn:startEvent id="Start_2"/><bpmn:sendTask id="Task_send" name="Send"/><bpmn:endEvent id="End_2"/>${flow('Flow_5', 'Start_2', 'Task_send')}${flow('Flow_6', 'Task_send', 'End_2')}</bpmn:transaction>
  <bpmn:userTask id="Task_pump" name="Pump" isForCompensation="true"/>
  <bpmn:boundaryEvent id="Event_storm" name="Storm" attachedToRef="Task_judge"><bpmn:signalEventDefinition id="S1" signalRef="Signal_1"/></bpmn:boundaryEvent>
  <bpmn:subProcess id="Sub_event" name="Called off" triggeredByEvent="true"><bpmn:startEvent id="Start_3"><bpmn:signalEventDefinition id="S2" signalRef="Signal_1"/></bpmn:startEvent><bpmn:endEvent id="End_3"/>${flow('Flow_7', 'Start_3', 'End_3')}</bpmn:subProcess>
  <bpmn:endEvent id="End_1" name="Over"><bpmn:errorEventDefinition id="E1"/></bpmn:endEvent>
  <bpmn:group id="Group_1"/>
  ${flow('Flow_1', 'Start_1', 'Task_judge')}${flow('Flow_2', 'Task_judge', 'Gateway_1')}${flow('Flow_3', 'Gateway_1', 'Sub_alarm')}${flow('Flow_4', 'Sub_alarm', 'Task_pump')}${flow('Flow_8', 'Task_pump', 'End_1')}${flow('Flow_9', 'Event_storm', 'End_1')}
</bpmn:process>
<bpmn:process id="Process_shelter" isExecutable="false"><bpmn:startEvent id="Start_9"/><bpmn:endEvent id="End_9"/>${flow('Flow_90', 'Start_9', 'End_9')}</bpmn:process>`, false)
