import { clsx } from 'clsx';
import { useRef, type KeyboardEvent, type PointerEvent } from 'react';

/** A line between two parts that can be dragged, or moved with the arrow keys. The caller keeps the value. */
export function Splitter({
  value,
  onChange,
  min,
  max,
  vertical = false,
  reversed = false,
  label,
}: {
  value: number;
  onChange: (value: number) => void;
  min: number;
  max: number;
  /** Whether the line stands upright. */
  vertical?: boolean;
  /** Whether the value belongs to the part after the line, which grows as the line moves back. */
  reversed?: boolean;
  label: string;
}) {
  const start = useRef<{ at: number; value: number } | null>(null);
  const place = (next: number) => onChange(Math.min(max, Math.max(min, next)));
  const at = (event: PointerEvent) => (vertical ? event.clientX : event.clientY);
  const sign = reversed ? -1 : 1;

  const grab = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { at: at(event), value };
  };
  const drag = (event: PointerEvent) => {
    if (start.current) place(start.current.value + sign * (at(event) - start.current.at));
  };
  const press = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -16, ArrowUp: -16, ArrowRight: 16, ArrowDown: 16, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    place(value + sign * step);
  };

  return (
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={vertical ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(value)}
      aria-valuemin={min}
      aria-valuemax={Math.round(max)}
      onPointerDown={grab}
      onPointerMove={drag}
      onPointerUp={() => {
        start.current = null;
      }}
      onKeyDown={press}
      className={clsx(
        'shrink-0 touch-none border-line hover:bg-accent-tint focus-visible:bg-accent-tint',
        vertical ? 'w-1.5 cursor-col-resize border-l' : 'h-1.5 cursor-row-resize border-t',
      )}
    />
  );
}
