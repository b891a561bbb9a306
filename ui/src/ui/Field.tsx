import { clsx } from 'clsx';
import { useId, type ComponentProps, type ReactNode } from 'react';

const CONTROL =
  'w-full min-w-0 rounded-md border border-control bg-surface px-2 text-sm text-text placeholder:text-text-3 disabled:opacity-60 aria-[invalid=true]:border-crit';

type Slots = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean };

/** A label, its control, and what is wrong with it, tied together for screen readers. */
export function Field({
  label,
  hint,
  error,
  children,
  className,
}: {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  children: (slots: Slots) => ReactNode;
  className?: string;
}) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={clsx('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="text-xs font-medium text-text-2">
        {label}
      </label>
      {children({ id, 'aria-describedby': note ? `${id}-note` : undefined, 'aria-invalid': error ? true : undefined })}
      {note && (
        <p id={`${id}-note`} className={clsx('text-xs', error ? 'text-crit' : 'text-text-3')}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input autoComplete="off" spellCheck={false} {...rest} className={clsx(CONTROL, 'h-[var(--ctl)]', className)} />;
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea spellCheck={false} {...rest} className={clsx(CONTROL, 'py-1.5 font-mono text-xs leading-5', className)} />;
}

/** The browser's own list: it works with every keyboard, screen reader and phone. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <select {...rest} className={clsx(CONTROL, 'h-[var(--ctl)] pr-1', className)}>
      {children}
    </select>
  );
}

export function Checkbox({ label, className, ...rest }: ComponentProps<'input'> & { label: ReactNode }) {
  return (
    <label className={clsx('inline-flex min-h-6 cursor-pointer items-center gap-2 text-sm', className)}>
      <input {...rest} type="checkbox" className="size-4 shrink-0 accent-[var(--accent)]" />
      {label}
    </label>
  );
}

/** One of a few, all in sight. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className="mb-1 text-xs font-medium text-text-2">{label}</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {options.map(([option, text]) => (
          <label key={option} className="inline-flex min-h-6 cursor-pointer items-center gap-2 text-sm">
            <input
              type="radio"
              name={name}
              checked={option === value}
              onChange={() => onChange(option)}
              className="size-4 shrink-0 accent-[var(--accent)]"
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
