"""Every page in every language and mode is reachable, legible, whole, and stays so with any words."""

from __future__ import annotations

import itertools
import time

import cv2
import numpy as np
import pygame
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.page_samples import LANGUAGES, PAGES, conversation, opinion, sample, ticket
from bench.page_trouble import many_waiting, other_scripts
from bench.pages import Case, Way, cases
from config.flows import load_flows
from contracts.screen import CalledView, Caption, DeviceLights, Entry, Language, Page, ScreenState, Target
from kiosk.screen.check import problems_of
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.frame import UPRIGHT
from kiosk.screen.notice import notice
from kiosk.screen.pages import frame_for, lay_out
from kiosk.screen.parts import PageLayout, View
from kiosk.screen.raster import draw_part
from kiosk.screen.stage import Stage
from kiosk.screen.text import LINE_HEIGHT
from kiosk.screen.theme import contrast, theme, tokens
from kiosk.screen.widgets.dock import DOCK_IDS

pytestmark = pytest.mark.unit

CLOCK = clock_text(time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0)))
COMPOSER = Composer(0.5)


def page_of(state: ScreenState, **changes: object) -> PageLayout:
    return lay_out(View(state, CLOCK, frame=frame_for(state, UPRIGHT), **changes))  # type: ignore[arg-type]


def faults_of(state: ScreenState, *, but: tuple[str, ...] = ()) -> list[str]:
    found = problems_of(COMPOSER, page_of(state), state)
    return [f"{one.kind}: {one.where}: {one.detail}" for one in found if one.kind not in but]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_covered_pale_untranslated_too_small_or_out_of_reach(page: Page) -> None:
    found = [(case.name, problem) for case in cases((page,), whole=False) for problem in case.look()]
    assert found == []


SMALL_GLASS = Way("large on small glass", "elder", ("low",))


@pytest.mark.parametrize("page", ["conversation", "keypad", "opinion", "ticket"])
def test_on_small_glass_a_finger_is_as_wide_as_on_large(page: Page) -> None:
    for lying in (False, True):
        assert Case(page, "zh", SMALL_GLASS, lying, diagonal_in=21.5).look() == []


def test_names_of_other_scripts_and_400_waiting_leave_pages_whole() -> None:
    assert other_scripts() == [] and many_waiting() == []


def test_a_name_that_runs_from_right_to_left_is_drawn_with_its_letters_and_strange_signs_are_reported() -> None:
    form = sample("form", "zh")
    assert form.form is not None

    def drawn(name: str) -> Composer:
        rows = (replace(form.form.rows[0], shown=name), *form.form.rows[1:])  # type: ignore[union-attr]
        composer = Composer(0.25)
        composer.show(page_of(replace(form, form=replace(form.form, rows=rows))))
        return composer

    assert not drawn("محمد بن عبد الله").unknown
    assert drawn("\U000110a7").unknown  # Kaithi: no face of ours has it


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_without_figures_without_choices_and_without_a_core_are_whole_too(language: Language) -> None:
    assert faults_of(ticket(language, known=False)) == []
    assert faults_of(replace(conversation(language), targets=(), captions=())) == []
    assert faults_of(notice(conversation(language))) == []
    scores = tuple(Target(f"score_{n}", str(n), str(n), "score") for n in range(11))
    full = opinion(language)
    assert faults_of(replace(full, targets=(*scores, *full.targets))) == []


@pytest.mark.parametrize("mode", ["standard", "elder"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_after_the_faces_is_whole_too(language: Language, mode: str) -> None:
    flow = next(flow for flow in load_flows() if flow.id == "opinion")
    heard = next(target for target in conversation(language).targets if target.kind == "microphone")
    rest = tuple(target for target in opinion(language).targets if target.kind != "smiley")
    scores = tuple(Target(f"score_{n}", str(n), str(n), "score") for n in range(11))
    for name, more in (("recommend", scores), ("comment", ()), ("learn", ())):
        said = max(
            ((one.zh, one.en)[:: 1 if language == "zh" else -1] for one in flow.steps[name].say),
            key=lambda pair: len(pair[0]),
        )
        state = replace(opinion(language), headline=said[0], headline_translation=said[1], note="", mode=mode)
        assert faults_of(replace(state, targets=(*more, *rest, heard))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_with_a_microphone_and_with_choices_of_every_kind_are_whole_too(language: Language) -> None:
    heard = next(target for target in conversation(language).targets if target.kind == "microphone")
    for page in ("ticket", "opinion", "goodbye", "outage", "map"):
        state = sample(page, language)  # type: ignore[arg-type]
        assert faults_of(replace(state, targets=(*state.targets, heard))) == []
    choices = [Target(f"pick_{kind}", label, label, kind, icon="human") for kind, label in MIXED[language]]
    for page in ("conversation", "ticket", "goodbye", "outage"):
        for missing in ((), ("printer",)):
            state = replace(sample(page, language), lights=DeviceLights(missing=missing))
            dock = tuple(target for target in state.targets if target.id in DOCK_IDS)
            assert faults_of(replace(state, targets=(*choices, *dock))) == []


MIXED = {
    "zh": (("human", "好，请人来"), ("primary", "好了，谢谢"), ("quiet", "不要号了")),
    "en": (("human", "Yes, please"), ("primary", "That's all"), ("quiet", "Cancel it")),
}


def test_nobody_is_sent_to_the_slot_of_a_printer_that_does_not_work() -> None:
    broken = replace(ticket("zh"), lights=DeviceLights(missing=("printer",)))
    assert "请取票" in words_drawn(ticket("zh"))
    assert "请取票" not in words_drawn(broken) and "请记住号码" in words_drawn(broken)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "called", [CalledView("A037", "3"), CalledView("A0370", "VIP-room", True), CalledView("B01", "")]
)
def test_a_called_number_is_large_and_whole_on_both_pages_that_invite(called: CalledView, language: Language) -> None:
    for page in ("attract", "outage"):
        state = replace(sample(page, language), called=called)
        assert faults_of(state) == []
        assert called.number in words_drawn(state)
    assert faults_of(replace(sample("outage", language), called=called, targets=())) == []


def test_the_checker_sees_a_target_above_the_line_a_small_one_and_two_too_close() -> None:
    layout = page_of(conversation("zh"))
    chip = next(part for part in layout.parts if part.id == "chip:freeze")
    assert chip.hit is not None
    lifted = type(chip.hit)("freeze", chip.hit.box.moved(0, -500), True)
    small = type(chip.hit)("small", type(chip.hit.box)(700, 1200, 40, 40), True)
    near = type(chip.hit)("near", type(chip.hit.box)(745, 1200, 60, 60), True)
    broken = [type(chip)(f"x{i}", hit.box, (), lambda kit: None, hit) for i, hit in enumerate((lifted, small, near))]
    broken_page = PageLayout(theme("light"), (), layout.figure, tuple(broken))
    found = [one.kind for one in problems_of(COMPOSER, broken_page, conversation("zh"))]
    assert [kind for kind in found if kind != "missing target"] == ["reach", "small target", "too near"]
    assert found.count("missing target") == 4  # the dock is not there


@pytest.mark.parametrize("pair", tokens()["contrast_pairs"], ids=lambda pair: "-".join(map(str, pair)))
def test_colours_that_meet_are_far_enough_apart(pair: tuple[str, str, str, float]) -> None:
    name, ink, ground, least = pair
    colours = theme(name).colours  # type: ignore[arg-type]
    assert contrast(colours[ink], colours[ground]) >= least


def test_black_on_white_has_the_contrast_that_the_standard_says() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)
    assert theme("light").line_height == LINE_HEIGHT


WORDS = st.text(alphabet="您好请取号挂失卡丢了吗，。 abcW1", max_size=160)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(WORDS, WORDS, WORDS, st.integers(0, 200), st.booleans())
def test_any_words_in_captions_and_chips_stay_in_their_places(
    visitor: str, hers: str, label: str, spoken: int, final: bool
) -> None:
    state = conversation("zh")
    chips = tuple(replace(t, label=label or "好") if t.kind == "chip" else t for t in state.targets)
    captions = (Caption("visitor", visitor), Caption("receptionist", hers, hers, final=final, spoken=spoken))
    shown = replace(state, targets=chips, captions=captions)
    assert faults_of(shown, but=("lost words", "missing translation")) == []


def test_what_is_too_long_even_at_the_smallest_size_is_reported_as_cut() -> None:
    state = replace(conversation("zh"), captions=(Caption("receptionist", "挂失补卡要带身份证。" * 60),))
    layout = page_of(state)
    bubble = next(part for part in layout.parts if part.id.startswith("caption"))
    assert "…" in str(bubble.key)


def test_a_long_answer_shows_the_sentence_that_is_being_said() -> None:
    text = "".join(f"第{n}句话说的是怎么办理这一项业务请您慢慢听。" for n in range(1, 21))
    caption = Caption("receptionist", text, final=False, spoken=text.index("第12句") + 3)
    layout = page_of(replace(conversation("zh"), captions=(caption,)))
    shown = str(next(part.key for part in layout.parts if part.id.startswith("caption")))
    assert "第12句" in shown
    assert "第1句" not in shown


@pytest.mark.parametrize("page", PAGES)
def test_the_dock_is_complete_on_every_page_and_does_nothing_that_was_not_offered(page: Page) -> None:
    bare = replace(sample(page, "zh"), targets=())
    hits = {hit.target: hit.enabled for hit in page_of(bare).hits() if hit.target in DOCK_IDS}
    assert hits == dict.fromkeys(DOCK_IDS, False)
    offered = {hit.target: hit for hit in page_of(sample(page, "zh")).hits() if hit.target in DOCK_IDS}
    assert all(hit.enabled for hit in offered.values())
    human = offered["human"].box
    assert human.right == 1024 and human.bottom == 1864  # never moves


def test_a_press_changes_the_picture_of_the_target_and_of_nothing_else() -> None:
    idle, pressed = page_of(conversation("zh")), page_of(conversation("zh"), pressed="freeze")
    changed = [a.id for a, b in zip(idle.parts, pressed.parts, strict=True) if a.key != b.key]
    assert changed == ["chip:freeze"]


def test_no_key_lights_up_under_a_finger_that_types_something_secret() -> None:
    open_pad = sample("keypad", "zh")
    secret = replace(open_pad, entry=Entry("••", 6, secret=True))
    for state, lights in ((open_pad, True), (secret, False)):
        idle, pressed = page_of(state), page_of(state, pressed="key_5")
        changed = [a.id for a, b in zip(idle.parts, pressed.parts, strict=True) if a.key != b.key]
        assert bool(changed) == lights


def test_a_new_caption_changes_the_caption_and_of_the_rest_nothing() -> None:
    state = conversation("zh")
    later = replace(state, captions=(state.captions[0], replace(state.captions[1], spoken=20)))
    before, after = page_of(state), page_of(later)
    changed = [a.id for a, b in zip(before.parts, after.parts, strict=True) if (a.key, a.box) != (b.key, b.box)]
    assert changed == ["caption:1"]


def test_no_figure_is_invented_while_the_queue_is_unknown() -> None:
    known, unknown = (words_drawn(ticket("zh", known=flag)) for flag in (True, False))
    assert any("12 分钟" in text for text in known) and "8" in known
    assert not any("分钟" in text for text in unknown)
    assert "前面几位，以窗口屏幕为准" in unknown


def words_drawn(state: ScreenState) -> list[str]:
    """Return every text that the page really hands to the canvas."""
    said: list[str] = []
    layout = page_of(state)
    for part in layout.parts:

        def paint(kit: object, part: object = part) -> None:
            plain = kit.text  # type: ignore[attr-defined]

            def noting(text: str, *args: object, **kwargs: object) -> float:
                said.append(text)
                return plain(text, *args, **kwargs)  # type: ignore[no-any-return]

            kit.text = noting  # type: ignore[attr-defined]
            part.paint(kit)  # type: ignore[attr-defined]

        draw_part(part.box, 0.5, layout.theme, paint)
    return said


def test_a_phone_reads_the_ticket_s_code_from_the_picture() -> None:
    layout = page_of(ticket("zh"))
    part = next(part for part in layout.parts if part.id == "ticket")
    drawn = draw_part(part.box, 1.0, theme("light"), lambda kit: (kit.canvas.clear(0xFFFFFFFF), part.paint(kit))[0])
    pixels = np.frombuffer(drawn.surface.get_buffer().raw, np.uint8).reshape(drawn.rect.height, drawn.rect.width, 4)
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(pixels[574:, :420, :3]))
    assert text == "https://qinghe.example/q/A037-7f3c"


def test_a_change_of_page_takes_about_190_ms_and_ends_exactly_on_the_new_page() -> None:
    stage = Stage(0.25, conversation("zh"))
    direct = Stage(0.25, ticket("zh"))
    stage.draw(0)
    stage.take(ticket("zh"), 100_000_000)
    frames = [100_000_000 + i * 33_000_000 for i in range(9)]
    pictures = []
    for at_ns in frames:
        stage.draw(at_ns)
        pictures.append(pygame.surfarray.array3d(stage.composer.frame)[:, 240:].astype(np.int16))
    for at_ns in frames:
        direct.draw(at_ns)
    final = pygame.surfarray.array3d(direct.composer.frame)[:, 240:].astype(np.int16)
    away = [float(np.abs(picture - final).mean()) for picture in pictures]
    assert away[0] > 5 and away[-1] == 0.0
    assert all(b <= a + 0.01 for a, b in itertools.pairwise(away))
    changing = sum(value > 0.1 for value in away)
    assert 4 <= changing <= 7
