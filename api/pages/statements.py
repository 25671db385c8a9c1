"""A challenge's statement as a part of a page; the Markdown was rendered elsewhere, with HTML refused."""

from markupsafe import Markup


def article(html: str) -> Markup:
    """The statement without its title, which the page shows itself; what may be too wide scrolls, by keyboard too.

    Safe because the author's own `<` came out of the Markdown as `&lt;`: every tag in it is the renderer's.
    """
    if html.startswith("<h1>"):
        html = html.partition("</h1>")[2]
    html = html.replace("<h1>", "<h2>").replace("</h1>", "</h2>")
    html = html.replace('<div class="math block">', '<div class="math block" tabindex="0">')
    html = html.replace("<pre>", '<pre tabindex="0">')
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
    return Markup(html)
