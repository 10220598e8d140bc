'use strict';

// Commands get a button that copies them, where the browser allows that.
if (navigator.clipboard) {
  for (const command of document.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(command.dataset.copy);
        button.textContent = 'Copied';
      } catch {
        button.textContent = 'Not allowed';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    const row = document.createElement('div');
    row.className = 'copyable';
    command.replaceWith(row);
    row.append(command, button);
  }
}

// A page of a build that goes on follows it. All that comes is put in as text.
const build = document.querySelector('[data-events]');
if (build) {
  const MAX_LINES = 2000;
  const set = (element, text) => {
    if (element && element.textContent !== text) {
      element.textContent = text;
    }
  };
  const log = document.getElementById('log');
  if (log) {
    log.scrollTop = log.scrollHeight;
  }
  const events = new EventSource(build.dataset.events);
  events.addEventListener('log', (event) => {
    if (!log) {
      return;
    }
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    const lines = (log.textContent + event.data + '\n').split('\n');
    log.textContent = lines.slice(-MAX_LINES - 1).join('\n');
    if (atEnd) {
      log.scrollTop = log.scrollHeight;
    }
  });
  events.addEventListener('state', (event) => {
    const state = JSON.parse(event.data);
    set(build.querySelector('[data-field=title]'), state.title);
    set(build.querySelector('[data-field=elapsed]'), state.elapsed);
    build.querySelector('progress').value = state.fraction;
    for (const line of build.querySelectorAll('[data-step]')) {
      const step = state.steps[line.dataset.step];
      line.className = step.state;
      set(line.querySelector('.aloud'), step.state);
      set(line.querySelector('.detail'), step.detail);
      set(line.querySelector('.time'), step.time);
    }
  });
  events.addEventListener('end', () => {
    events.close();
    location.reload();
  });
  // A browser gives up for good when the server refuses; then the page is loaded anew now and then.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(() => location.reload(), 5000);
    }
  });
}
