import { clsx } from 'clsx';
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react';

export type Tab<T extends string> = { value: T; label: ReactNode };

/** A row of tabs; arrow keys move between them, as screen readers announce. */
export function Tabs<T extends string>({
  label,
  tabs,
  value,
  onChange,
  idPrefix,
}: {
  label: string;
  tabs: readonly Tab<T>[];
  value: T;
  onChange: (value: T) => void;
  /** Ties each tab to its panel: `PREFIX-tab-VALUE` and `PREFIX-panel`. */
  idPrefix: string;
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a phone the row may be longer than the screen; the chosen tab is always in sight.
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [value]);
  const move = (event: KeyboardEvent) => {
    const here = tabs.findIndex((tab) => tab.value === value);
    const steps: Record<string, number> = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = (step + tabs.length) % tabs.length;
    const next = tabs[index];
    if (!next) return;
    onChange(next.value);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[index]?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label={label} onKeyDown={move} className="flex min-w-0 gap-1 overflow-x-auto border-b border-line">
      {tabs.map((tab) => {
        const selected = tab.value === value;
        return (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={`${idPrefix}-tab-${tab.value}`}
            aria-selected={selected}
            aria-controls={selected ? `${idPrefix}-panel` : undefined}
            tabIndex={selected ? 0 : -1}
            onClick={() => onChange(tab.value)}
            className={clsx(
              'inline-flex h-9 shrink-0 items-center gap-1.5 border-b-2 px-2.5 text-sm max-md:px-2 -outline-offset-2',
              selected ? 'border-accent font-semibold text-accent' : 'border-transparent text-text-2 hover:text-text',
            )}
          >
            {tab.label}
          </button>
        );
      })}
    </div>
  );
}

/** What the chosen tab shows. */
export function TabPanel({
  idPrefix,
  value,
  children,
  className,
  scrolls = false,
}: {
  idPrefix: string;
  value: string;
  children: ReactNode;
  className?: string;
  /** Whether the panel scrolls by itself; the keyboard must then be able to reach it. */
  scrolls?: boolean;
}) {
  return (
    <div role="tabpanel" id={`${idPrefix}-panel`} aria-labelledby={`${idPrefix}-tab-${value}`} tabIndex={scrolls ? 0 : undefined} className={className}>
      {children}
    </div>
  );
}
