"""The pictures of a record; matplotlib is loaded only when one is drawn."""

from cardcallback.render.pictures.draw import draw_pictures

__all__ = ["draw_pictures"]
