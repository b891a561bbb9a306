import { Code } from '../../../../ui/Code';
import { token } from '../../../../api/token';
import { curlLine } from '../statement';
import type { StepProps } from '../WizardPage';

/** How a program will push, shown before the stream exists, so that it can be prepared. */
export function HttpForm({ wizard }: StepProps) {
  const { name } = wizard.draft;
  if (name === '') return null;
  return (
    <div className="flex max-w-3xl flex-col gap-2">
      <Code label="Once the stream exists, this pushes a record" text={curlLine(location.origin, name, '{"id": 1, "at": "2026-11-21T12:00:00Z", "page": "/"}', token.get() !== null)} />
      <p className="max-w-prose text-sm text-text-2">
        The body is one JSON object, an array of objects, one object a line, or CSV with a header. The answer comes after the commit: 200 means it is on disk. An <code className="font-mono">Idempotency-Key</code>{' '}
        header makes a retry harmless.
      </p>
    </div>
  );
}
