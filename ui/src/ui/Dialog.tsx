import { clsx } from 'clsx';
import { X } from 'lucide-react';
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { IconButton } from './Button';

/** The native dialog: top layer, the page behind it inert, Escape and the return of the focus for free. */
export function Dialog({
  open,
  title,
  onClose,
  children,
  actions,
  wide = false,
}: {
  open: boolean;
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open === open) return;
    if (!open) return element.close();
    element.showModal();
    // The browser would choose the button that closes; what a dialog is about comes first.
    element.querySelector<HTMLElement>('[data-dialog-body] :is(input, textarea, select, button)')?.focus();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={onClose}
      className={clsx(
        'm-auto max-h-[calc(100dvh-32px)] flex-col overflow-hidden rounded-lg border border-line-strong bg-raised p-0 text-text shadow-pop backdrop:bg-[rgb(0_0_0/0.4)] open:flex',
        wide ? 'w-[min(94vw,880px)]' : 'w-[min(94vw,480px)]',
      )}
    >
      {open && (
        <>
          <header className="flex h-11 shrink-0 items-center justify-between gap-2 border-b border-line pr-1.5 pl-4">
            <h2 id={id} className="truncate text-base font-semibold">
              {title}
            </h2>
            <IconButton label="Close" onClick={onClose}>
              <X size={16} aria-hidden />
            </IconButton>
          </header>
          <div data-dialog-body className="flex min-h-0 flex-col gap-3 overflow-auto p-4">{children}</div>
          {actions && <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{actions}</footer>}
        </>
      )}
    </dialog>
  );
}
