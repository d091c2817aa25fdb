import { Label, ProgressBar } from 'react-aria-components';

/** How far something is, in words as well; without a total, only that it goes on. */
export function Meter({ label, words, done, total }: { label: string; words: string; done: number; total?: number }) {
  const share = total === undefined ? { isIndeterminate: true } : { value: done, maxValue: Math.max(total, 1) };
  return (
    <ProgressBar className="progress" valueLabel={words} {...share}>
      {({ percentage }) => (
        <>
          <div className="progress-head">
            <Label>{label}</Label>
            <span className="soft">{words}</span>
          </div>
          <svg className="progress-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width={percentage ?? 0} height="1" />
          </svg>
        </>
      )}
    </ProgressBar>
  );
}
