import { clsx } from 'clsx';
import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { buttonLook, type ButtonKind } from './Button';

export type MenuItem = { label: ReactNode; icon?: ReactNode; danger?: boolean; disabled?: boolean; onSelect: () => void };

/**
 * A button that opens a list of actions. The list is a native popover: it sits above everything, closes on Escape and on
 * a click elsewhere, and gives the focus back, all without code here.
 */
export function Menu({
  label,
  items,
  children,
  kind = 'quiet',
  shape = 'text',
  className,
}: {
  label: string;
  items: readonly MenuItem[];
  children: ReactNode;
  kind?: ButtonKind;
  shape?: 'text' | 'icon';
  className?: string;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const place = () => {
    const at = button.current?.getBoundingClientRect();
    const menu = list.current;
    if (!at || !menu) return;
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = at.bottom + 4 + height <= innerHeight;
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  };
  const entries = () => [...(list.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]:not(:disabled)') ?? [])];
  const toggled = (event: { newState: string }) => {
    button.current?.setAttribute('aria-expanded', String(event.newState === 'open'));
    if (event.newState !== 'open') return;
    place();
    entries()[0]?.focus();
  };
  const move = (event: KeyboardEvent) => {
    const all = entries();
    const here = all.indexOf(document.activeElement as HTMLButtonElement);
    const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 };
    const next = steps[event.key];
    if (event.key === 'Tab') list.current?.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={false}
        popoverTarget={id}
        className={buttonLook(kind, className, shape)}
      >
        {children}
      </button>
      <div
        ref={list}
        id={id}
        role="menu"
        aria-label={label}
        popover="auto"
        onToggle={toggled}
        onKeyDown={move}
        className="fixed inset-auto m-0 min-w-44 rounded-lg border border-line bg-raised p-1 text-text shadow-pop"
      >
        {items.map((item, index) => (
          <button
            key={index}
            type="button"
            role="menuitem"
            tabIndex={-1}
            disabled={item.disabled}
            onClick={() => {
              list.current?.hidePopover();
              item.onSelect();
            }}
            className={clsx(
              'flex h-[var(--ctl)] w-full items-center gap-2 rounded-md px-2 text-left text-sm whitespace-nowrap hover:bg-sunken focus:bg-accent-tint disabled:opacity-50',
              item.danger ? 'text-crit' : 'text-text',
            )}
          >
            {item.icon}
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}
