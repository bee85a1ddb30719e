"""Drawing: what matplotlib makes of a picture."""

import subprocess
import sys
import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from postproc.show.pictures import figures
from postproc.show.pictures.figures import draw, drawable, png
from postproc.show.pictures.layout import DOTTED, Area, Label, Layer, Picture, Stroke, rectangle
from tests.show.pictures import scenes


def pixels(picture: Picture) -> np.ndarray:
    """Red, green and blue of each point."""
    figure = draw(picture)
    figure.set_dpi(72)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def test_areas_strokes_and_layers_stand_where_the_layout_says():
    held = pixels(
        Picture(
            40,
            30,
            "p",
            areas=[
                Area(rectangle(0, 0, 20, 10), "#ff0000", layer=Layer.BACK),
                Area(rectangle(10, 0, 20, 10), "#0000ff", layer=Layer.TOP),
            ],
            strokes=[Stroke(((0, 20), (40, 20)), "#00ff00", 4)],
        )
    )
    assert held.shape == (30, 40, 3)
    assert held[5, 5].tolist() == [255, 0, 0] and held[5, 15].tolist() == [0, 0, 255]
    assert held[20, 30].tolist() == [0, 255, 0] and held[28, 30].tolist() == [255, 255, 255]


def test_letters_stay_inside_the_box_reckoned_for_them():
    label = Label(60, 20, "Binding Request × 12, gy|", 9, "center")
    dark = (pixels(Picture(200, 40, "p", labels=[label])) < 128).all(axis=2)
    rows, columns = np.nonzero(dark)
    box = label.box
    assert box.left - 1 <= columns.min() and columns.max() <= box.right + 1
    assert box.top - 1 <= rows.min() and rows.max() <= box.bottom + 1


def test_dollars_are_no_mathematics_and_missing_letters_no_trouble():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held = png(draw(Picture(300, 40, "p", labels=[Label(5, 20, r"$\frac$ $x^2$ 中文 \u202e")])))
    assert held.startswith(b"\x89PNG")
    assert drawable("中文 é") == "\ufffd\ufffd é"


def test_a_picture_is_written_as_svg_pdf_and_png(tmp_path):
    figure = figures.ladder(scenes.run_of("good.pcapng"), 1)
    for kind, magic in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        figure.savefig(tmp_path / f"ladder.{kind}")
        assert (tmp_path / f"ladder.{kind}").read_bytes().startswith(magic)


def test_dotted_lines_have_gaps():
    held = pixels(Picture(100, 10, "p", strokes=[Stroke(((0, 5), (100, 5)), "#000000", 2, DOTTED)]))
    row = held[5, :, 0]
    assert row.min() < 100 and row.max() > 150


def test_every_plot_is_a_figure_and_shows_itself_in_a_notebook():
    run = scenes.run_of("good.pcapng")
    of_call = (figures.ladder, figures.call_timeline, figures.bindings, figures.media)
    for plot in (figures.places, figures.route, *of_call):
        figure = plot(run, 1, "de")
        assert isinstance(figure, Figure)
        assert figure._repr_svg_().replace(' style="max-width:100%;height:auto"', "", 1) == figures.svg(
            figure
        )
    assert figures.overview(run).picture.title == "Calls over time"
    assert 'id="mine-title"' in figures.svg(figure, "mine")


def test_no_pyplot_no_window_no_global_state():
    code = (
        "import sys; from postproc.show.pictures import figures; "
        "assert 'matplotlib.pyplot' not in sys.modules; print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"


def test_reports_do_without_matplotlib():
    code = "import sys; from postproc.show import pictures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
