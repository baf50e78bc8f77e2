"""The one caller of a question's own method, which a user may have written."""

from ninefold.errors import NinefoldError, PluginError, first_line
from ninefold.types import Question, Scene


def ask(question: Question, scene: Scene) -> tuple[str, str]:
    """Return the question about a scene's target, and its answer.

    Raises:
        PluginError: If the question's ``ask`` fails, or returns no pair of strings.
    """
    where = f"question {question.name!r}: its ask"
    try:
        pair: object = question.ask(scene)
    except NinefoldError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where} fails ({type(error).__name__}: {first_line(error)})") from error
    match pair:
        case (str(asked), str(answer)):
            return asked, answer
    raise PluginError(f"{where} returns {pair!r:.80}; return a pair of strings, the question and its answer")
