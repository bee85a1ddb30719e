"""Words in pictures: labels of the timeline are ours, and so in the reader's language."""

import pytest

from postproc.show.pictures.wording import event


@pytest.mark.parametrize(
    ("lane", "label", "german"),
    [
        ("media", "PCMA resumes after 3.0 s", "PCMA wieder nach 3,0 s"),
        ("media", "RTP resumes after 950 ms", "RTP wieder nach 950 ms"),
        ("sdp", "offer audio, 2 candidates", "Angebot: audio, 2 Kandidaten"),
        ("sdp", "answer audio, 1 candidate", "Antwort: audio, 1 Kandidat"),
        ("dtls", "alert encrypted", "Alert, verschlüsselt"),
        ("log", "answer the phone", "answer the phone"),
        ("sip", "200 offer 1 candidate (again)", "200 offer 1 candidate (erneut)"),
        ("log", "rings (again)", "rings (again)"),
        ("stun", "Binding Request a:b, sent 3 times", "Binding Request a:b, 3 Mal gesendet"),
        ("log", "media resumes after 3.0 s", "media resumes after 3.0 s"),
    ],
)
def test_a_label_of_ours_is_german_and_others_are_quoted(lane, label, german):
    assert event(lane, label, "de") == german
    assert event(lane, label, "en") == label
