import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** A framed part of a page with a name. */
export function Panel({
  title,
  note,
  actions,
  children,
  className,
}: {
  title: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={clsx('flex min-w-0 flex-col overflow-clip rounded-lg border border-line bg-surface', className)}>
      <header className="flex min-h-10 flex-wrap items-center gap-x-2 border-b border-line px-3 py-1">
        <h2 className="text-sm font-semibold">{title}</h2>
        {note && <span className="min-w-0 truncate text-xs text-text-3">{note}</span>}
        {actions && <div className="ml-auto flex items-center gap-1">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** The width and the rhythm of a page, with its heading. */
export function Page({ title, lead, actions, json, children }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; /** Where the same is for programs. */ json?: string; children: ReactNode }) {
  return (
    <div className="mx-auto flex w-full max-w-[1440px] min-w-0 flex-col gap-3 p-3 md:p-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="text-xl font-semibold tracking-[-0.015em] break-words">{title}</h1>
        {lead && <div className="min-w-0 text-text-2">{lead}</div>}
        {actions && <div className="ml-auto flex flex-wrap justify-end gap-2">{actions}</div>}
      </div>
      {children}
      {json && (
        <p className="text-xs">
          <a href={json} className="inline-block min-h-6 text-text-3 underline hover:text-text">
            This page as JSON
          </a>
        </p>
      )}
    </div>
  );
}
