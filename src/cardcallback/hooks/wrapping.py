"""The one mechanism behind every wrap: class-level functions that act only for a watched trainer.

What is told to whom is kept on the trainer itself, never in a table of ours: a trainer that is dropped is
collected with it, and a pickled or copied trainer carries ``None`` instead. Only weak references to the
watched trainers stand here, to find the one that a model belongs to.
"""

from __future__ import annotations

import copy
import functools
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from cardcallback.guard import Guard
from cardcallback.hooks.forks import tell_in_children

GuardFactory = Callable[[str], AbstractContextManager[None]]
# Makes one call of a wrapped method: the method as bound to what it is called on, that object, and the arguments.
Run = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]

_ATTRIBUTE = "_cardcallback_watch"
_MARK = "__cardcallback_wrap__"
_live: dict[int, weakref.ref[Any]] = {}


class Call(NamedTuple):
    """One call of a wrapped method: ``subject`` is the trainer or model it was called on."""

    subject: Any
    trainer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by name or by place (0 is the first after ``self``)."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[position] if len(self.args) > position else default


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """What to do around one method; ``task`` completes "could not ..." where a part of it fails.

    Where ``instead`` says so the method itself is left out, and returns None. ``failed`` is given the
    exception, which goes on unchanged afterwards.
    """

    task: str
    guard: GuardFactory
    instead: Callable[[Call], bool] | None = None
    before: Callable[[Call], None] | None = None
    after: Callable[[Call, Any], None] | None = None
    failed: Callable[[Call, BaseException], None] | None = None


class Watch:
    """The hooks of one trainer, by method and topic; a topic set again replaces the earlier one."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = weakref.ref(trainer)
        self._topics: dict[str, dict[str, Hook]] = {}
        self._hooks: dict[str, tuple[Hook, ...]] = {}
        self._running: set[tuple[int, str]] = set()
        self._seen: set[str] = set()
        self._is_parents = False
        tell_in_children(self)

    def left_to_parent(self) -> None:
        """In a forked child: a training that was going on is the parent's, and this one hears nothing of it."""
        self._is_parents = bool(self._running)

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        # Copies and pickles get None: a copy is not the watched trainer, and a pickle must not need us.
        return type(None), ()

    def watches(self, trainer: Any) -> bool:
        """Whether this is that trainer's own (a shallow copy shares the attribute, not the watch)."""
        return self._trainer() is trainer and not self._is_parents

    def trainer(self) -> Any:
        """The watched trainer, or ``None`` once it is gone."""
        return self._trainer()

    def set_hook(self, method: str, topic: str, hook: Hook) -> None:
        """Act around ``method`` from the next call on."""
        topics = self._topics.setdefault(method, {})
        topics[topic] = hook
        self._hooks[method] = tuple(topics.values())

    def hooks(self, method: str) -> tuple[Hook, ...]:
        """The hooks around ``method``, oldest topic first."""
        return () if self._is_parents else self._hooks.get(method, ())

    def still(self, hooks: tuple[Hook, ...]) -> tuple[Hook, ...]:
        """Those that a call began with, as it ends: none in a child that was forked in between."""
        return () if self._is_parents else hooks

    def is_running(self, method: str) -> bool:
        """Whether this thread is inside a wrapped call of ``method``."""
        return (threading.get_ident(), method) in self._running

    def runs_elsewhere(self, method: str) -> bool:
        """Whether another thread is inside a wrapped call of ``method``."""
        here = threading.get_ident()
        return any(name == method and thread != here for thread, name in self._running.copy())

    def has_run(self, method: str) -> bool:
        """Whether any call of ``method`` went through a wrap."""
        return method in self._seen

    def begins(self, method: str) -> bool:
        """Mark the outermost call, and say whether this is it: a call of the parent's method is part of it."""
        key = (threading.get_ident(), method)
        if key in self._running:
            return False
        self._running.add(key)
        self._seen.add(method)
        return True

    def ends(self, method: str) -> None:
        """The outermost call is over."""
        self._running.discard((threading.get_ident(), method))


def watch_of(trainer: Any) -> Watch | None:
    """The trainer's watch, or ``None`` where it is not watched."""
    watch = getattr(trainer, "__dict__", {}).get(_ATTRIBUTE)
    return watch if isinstance(watch, Watch) and watch.watches(trainer) else None


def start_watch(trainer: Any) -> Watch:
    """The trainer's watch, made if there is none."""
    watch = watch_of(trainer)
    if watch is None:
        watch = Watch(trainer)
        setattr(trainer, _ATTRIBUTE, watch)
    for key in [key for key, reference in _live.items() if reference() is None]:
        del _live[key]
    _live[id(trainer)] = weakref.ref(trainer)
    return watch


def watch_of_model(model: Any) -> Watch | None:
    """The watch of the trainer whose model this is, or holds, however it is wrapped."""
    for reference in list(_live.values()):
        trainer = reference()
        if trainer is not None and _is_model_of(model, trainer):
            return watch_of(trainer)
    return None


def wrap_method(
    start: type,
    method: str,
    *,
    find: Callable[[Any], Watch | None] = watch_of,
    wrapped: Callable[[Any], Callable[..., Any]] | None = None,
) -> None:
    """Wrap ``method`` on every class above and including ``start`` that defines it; once each.

    Each call of it acts around it as the hooks say of the watch that ``find`` gives; ``wrapped`` makes another wrap.
    """
    wrapped = wrapped or functools.partial(wrapped_by, functools.partial(_run, method, find))
    for owner in start.__mro__:
        original = owner.__dict__.get(method)
        if _is_method(original) and not hasattr(original, _MARK):
            around = wrapped(original)
            setattr(around, _MARK, True)
            setattr(owner, method, around)


def wrap_own_attribute(trainer: Any, method: str, *, run: Run | None = None) -> None:
    """Wrap ``method`` where someone put a replacement onto the trainer object itself, which hides the class's."""
    original = vars(trainer).get(method)
    if callable(original) and not isinstance(original, _InstanceWrap):
        run = run or functools.partial(_run, method, watch_of)
        setattr(trainer, method, _InstanceWrap(original, run, trainer))


def wrapped_by(run: Run, original: Any) -> Callable[..., Any]:
    """A method that leaves each of its calls to ``run``."""

    @functools.wraps(original)
    def around(self: Any, *args: Any, **kwargs: Any) -> Any:
        return run(original.__get__(self, type(self)), self, args, kwargs)

    return around


def watch_method(trainer: Any, method: str, topic: str, hook: Hook) -> None:
    """Act around one method of one trainer from its next call on, wherever it is defined."""
    start_watch(trainer).set_hook(method, topic, hook)
    wrap_method(type(trainer), method)
    wrap_own_attribute(trainer, method)


def _is_method(attribute: Any) -> bool:
    # Other tools' wraps are often objects, not functions; all that can be bound to the trainer will do.
    return hasattr(type(attribute), "__get__") and not isinstance(attribute, (staticmethod, classmethod, property))


class _InstanceWrap:
    """A replacement on one trainer, called through; pickles and copies as what it replaced."""

    def __init__(self, original: Callable[..., Any], run: Run, trainer: Any) -> None:
        functools.update_wrapper(self, original)
        self._original = original
        self._run = run
        self._subject = weakref.ref(trainer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run(self._original, self._subject(), args, kwargs)

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Callable[..., Any]]]:
        # The standard library's copy of a function or method is that function or method.
        return copy.copy, (self._original,)


def _run(
    method: str,
    find: Callable[[Any], Watch | None],
    original: Callable[..., Any],
    subject: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    watch = find(subject)
    if watch is None or not watch.begins(method):
        return original(*args, **kwargs)
    try:
        hooks = watch.hooks(method)
        told = Call(subject=subject, trainer=watch.trainer(), args=args, kwargs=kwargs)
        _tell(hooks, "before", told)
        try:
            result = None if _left_out(hooks, told) else original(*args, **kwargs)
        except BaseException as error:  # raised on as it is; an interrupt ends the session too
            _tell(watch.still(hooks), "failed", told, error)
            raise
        _tell(watch.still(hooks), "after", told, result)
        return result
    finally:
        watch.ends(method)


def _tell(hooks: tuple[Hook, ...], moment: Literal["before", "after", "failed"], *about: Any) -> None:
    for hook in hooks:
        action = getattr(hook, moment)
        if action is not None:
            with hook.guard(hook.task):
                action(*about)


def _left_out(hooks: tuple[Hook, ...], told: Call) -> bool:
    for hook in hooks:
        if hook.instead is not None:
            with hook.guard(hook.task):
                if hook.instead(told):
                    return True
    return False


def _is_model_of(model: Any, trainer: Any) -> bool:
    roots = tuple(getattr(trainer, name, None) for name in ("model", "model_wrapped", "setfit_model"))
    if any(root is model for root in roots):
        return True
    # DataParallel, torch.compile and sentence-transformers keep the PEFT model somewhere inside.
    return any(part is model for root in roots for part in _parts(root))


def _parts(root: Any) -> Iterator[Any]:
    modules = getattr(root, "modules", None)
    return iter(modules()) if callable(modules) else iter(())


def guard_or_own(guard: GuardFactory | None) -> GuardFactory:
    """The caller's guard, or one that warns once."""
    return Guard() if guard is None else guard
