import { Actions } from '../Actions';
import { isDone, nameProblem } from '../draft';
import { NameField } from '../NameField';
import type { StepProps } from '../WizardPage';
import { DemoForm } from './DemoForm';
import { FileForm } from './FileForm';
import { HttpForm } from './HttpForm';
import { KafkaForm } from './KafkaForm';
import { KinesisForm } from './KinesisForm';

const TITLES = { kafka: 'How is the cluster reached?', kinesis: 'Which stream, and where?', http: 'How will programs push to it?', file: 'Which file?', demo: 'How busy should the shop be?' } as const;

/** How the source is reached, and what the stream is called. */
export function ConnectStep(props: StepProps) {
  const { wizard, takenNames } = props;
  const { draft } = wizard;
  const problem = nameProblem(draft.name, takenNames);
  return (
    <section aria-labelledby="connect-title" className="flex flex-col gap-4">
      <h2 id="connect-title" className="text-lg font-semibold">
        {TITLES[draft.source ?? 'http']}
      </h2>
      {draft.source === 'kafka' && <KafkaForm {...props} />}
      {draft.source === 'kinesis' && <KinesisForm {...props} />}
      {draft.source === 'file' && <FileForm {...props} />}
      {draft.source === 'demo' && <DemoForm {...props} />}
      <NameField draft={draft} problem={problem} onChange={(name) => wizard.change({ name, isNamed: name !== '' })} />
      {draft.source === 'http' && <HttpForm {...props} />}
      <Actions onBack={wizard.back} onNext={wizard.next} disabled={problem !== null || !isDone(draft, 'connect')} why={problem ?? 'Something above is still missing.'} />
    </section>
  );
}
