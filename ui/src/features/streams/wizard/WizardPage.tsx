import { useEffect, useRef, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { streamsQuery } from '../../../api/streams';
import { useTitle } from '../../../lib/a11y';
import { Failure } from '../../../ui/Empty';
import { Page } from '../../../ui/Panel';
import { Skeleton } from '../../../ui/Skeleton';
import { SamplePane } from './SamplePane';
import { StepRail } from './StepRail';
import { ConnectStep } from './steps/ConnectStep';
import { ReviewStep } from './steps/ReviewStep';
import { SampleStep } from './steps/SampleStep';
import { SchemaStep } from './steps/SchemaStep';
import { SourceStep } from './steps/SourceStep';
import { useDraft, type Wizard } from './useDraft';

export type StepProps = {
  wizard: Wizard;
  /** The file that was chosen; browsers do not give it back after a reload. */
  file: File | null;
  onFile: (file: File | null) => void;
  takenNames: readonly string[];
};

/** Five steps from a source to a stream. Each has an address, and what was entered is kept on the server. */
export default function WizardPage() {
  useTitle('Connect a stream');
  const wizard = useDraft();
  const [file, setFile] = useState<File | null>(null);
  const streams = useQuery(streamsQuery);
  const heading = useRef<HTMLDivElement>(null);
  const { step, draft } = wizard;
  const isFirst = useRef(true);
  useEffect(() => {
    // Going to another step begins at its top, for eyes and for screen readers.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [step]);
  if (wizard.isLoading) return <Skeleton label="Reading the draft" rows={6} />;
  const props: StepProps = { wizard, file, onFile: setFile, takenNames: (streams.data ?? []).map((stream) => stream.name) };
  return (
    <Page title="Connect a stream">
      {wizard.failure !== null && <Failure error={wizard.failure} doing="keeping the draft on the server" />}
      <div className="flex min-w-0 flex-col gap-4 lg:flex-row">
        <StepRail draft={draft} step={step} goTo={wizard.goTo} />
        <div ref={heading} tabIndex={-1} className="min-w-0 flex-1 outline-none">
          <CurrentStep {...props} />
        </div>
        {draft.sample !== null && step !== 'sample' && step !== 'source' && <SamplePane sample={draft.sample} />}
      </div>
    </Page>
  );
}

function CurrentStep(props: StepProps) {
  switch (props.wizard.step) {
    case 'source':
      return <SourceStep {...props} />;
    case 'connect':
      return <ConnectStep {...props} />;
    case 'sample':
      return <SampleStep {...props} />;
    case 'schema':
      return <SchemaStep {...props} />;
    case 'review':
      return <ReviewStep {...props} />;
  }
}
