"""Entry point: builds the commands from the table, turns errors into one message and exit status 2."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from yaotan.cli.command import COMMANDS, Command, Option
from yaotan.errors import YaotanError

app = typer.Typer(
    name="yaotan",
    help="Yaotan: greenhouse-gas columns from satellite granules to maps, regional tables and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_state = {"debug": False}


def _show_version(value: bool) -> None:
    if value:
        from importlib import metadata

        typer.echo(f"yaotan {metadata.version('yaotan')}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    _state["debug"] = debug


def _parameter(option: Option) -> inspect.Parameter:
    flag = "--" + option.name.replace("_", "-")
    kind: Any = option.kind
    if kind == "box":
        kind = tuple[float, float, float, float]
    if option.default is None:
        kind = kind | None
    declaration = typer.Option(
        f"{flag}/--no-{flag[2:]}" if kind is bool and option.default else flag, help=option.help
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[kind, declaration],
    )


def _build(command: Command) -> Callable[..., None]:
    """Make a function whose signature typer can read, and which calls the command's runner."""
    parameters = []
    for argument in command.arguments:
        kind: Any = list[str] if argument.many else str
        annotation = Annotated[kind, typer.Argument(help=argument.help, show_default=False)]
        parameters.append(
            inspect.Parameter(argument.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        )
    parameters += [_parameter(option) for option in command.options]

    def call(**values: Any) -> None:
        from yaotan.cli import runner

        try:
            getattr(runner, f"run_{command.name.replace('-', '_').replace(' ', '_')}")(**values)
        except KeyboardInterrupt:
            again = "; the same command goes on from here" if command.name in ("run", "demo", "fetch") else ""
            print(f"yaotan: interrupted{again}", file=sys.stderr)
            raise typer.Exit(130) from None

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__name__ = command.name
    return call


#: words that stand before a verb, as in `yaotan emission train` -> what the verbs are about
_GROUPS = {"emission": "Emissions of regions by year: train, predict, evaluate, reconcile."}
_groups = {
    name: typer.Typer(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)
    for name, text in _GROUPS.items()
}
for _command in COMMANDS:
    _group, _, _verb = _command.name.rpartition(" ")
    _groups.get(_group, app).command(_verb, help=_command.help)(_build(_command))
for _sub in _groups.values():
    app.add_typer(_sub)


def _say_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any
) -> None:
    """Say a warning of ours as one line; others as Python does."""
    if category.__module__.startswith("yaotan."):
        print(f"yaotan: warning: {message}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, lineno), file=sys.stderr, end="")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an error that the user caused is one message and exit status 2.

    Parameters
    ----------
    arguments : list of str, optional
        Default is ``sys.argv[1:]``.
    """
    warnings.showwarning = _say_warning  # type: ignore[assignment]
    try:
        app(args=arguments, standalone_mode=True)
    except YaotanError as error:
        if _state["debug"]:
            raise
        print(f"yaotan: error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # the reader of our output went away (`yaotan info ... | head`)
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        # the disk is full, or a folder was taken away while we wrote
        if _state["debug"]:
            raise
        place = f"{error.filename}: " if error.filename else ""
        reason = (error.strerror or str(error)).lower()
        print(f"yaotan: error: {place}{reason}. To do: check the folder and its disk.", file=sys.stderr)
        sys.exit(2)
