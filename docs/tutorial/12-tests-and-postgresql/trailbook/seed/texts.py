# ruff: noqa: RUF001
"""What the seed's rows are made of. Invented, in several scripts."""

from __future__ import annotations

MEMBERS = (
    ("marta", "admin", "Keeps the club's books and its keys."),
    ("tomasz", "editor", "Ręcznie maluje znaki na szlakach."),
    ("aiko", "editor", "山の地図を描いています。"),
    ("joão", "author", "Caminha devagar e escreve depressa."),
    ("leïla", "author", "Connaît chaque source de la vallée."),
    ("дмитро", "author", "Збирає гриби та історії."),
    ("yusuf", "reader", "يحب الجبال في الشتاء."),
    ("nils", "reader", ""),
)
REGIONS = (
    ("NORD", "Northern Ridge", None),
    ("NORD-E", "Eastern Fells", "NORD"),
    ("NORD-W", "Western Lakes", "NORD"),
    ("SUD", "Südliche Täler", None),
    ("SUD-K", "Küstenweg", "SUD"),
    ("INSEL", "Остров", None),
)
LABELS = (
    ("Waterfall", "#1565c0"),
    ("Ridge", "#6d4c41"),
    ("Forest", "#2e7d32"),
    ("With children", "#f9a825"),
    ("Winter", "#90a4ae"),
    ("Swimming", "#0097a7"),
    ("Hut", "#8d6e63"),
    ("Via ferrata", "#c62828"),
    ("C", "#5e35b1"),
    ("C++", "#4527a0"),
    ("!!!", "#d84315"),
    ("温泉", "#ad1457"),
    ("Źródło", "#00838f"),
    ("Sonnenaufgang", "#ef6c00"),
    ("بحيرة", "#283593"),
)
PLACES = (
    "Heron Mere",
    "Kalter Grund",
    "Три сосны",
    "Lac des Ombres",
    "Wysoka Turnia",
    "Serra do Vento",
    "青い峠",
    "وادي النخيل",
    "Old Quarry",
    "Møllebekk",
    "Γκρίζος Βράχος",
    "Foxglove Hill",
)
KINDS = ("Round", "Traverse", "Climb", "Winter Walk", "Evening Path")
SENTENCES = (
    "The path leaves the bus stop beside the chapel and climbs at once.",
    "Nach der zweiten Brücke hält man sich links am Zaun entlang.",
    "Z przełęczy widać trzy doliny, a przy dobrej pogodzie morze.",
    "Le torrent se passe à gué; après la pluie, mieux vaut revenir.",
    "Вода есть только у нижнего приюта, берите с собой два литра.",
    "頂上の小屋は四月から十月まで開いています。",
    "لا تترك النار مشتعلة قرب الأشجار.",
    "Expect mud for the first hour and wind for the last.",
    "A rope is fixed at the steep step; children manage it with a hand.",
    "The way back follows the old railway, 5 % down all the way.",
)
HIGHLIGHTS = (
    "view to the sea",
    "Wildblumen",
    "старый мост",
    "rock arch",
    "小さな神社",
    "ruined mill",
    "cascade",
)
HUTS = ("Upper Hut", "Schäferhaus", "Chata pod Turnią")
REMARKS = (
    "Walked it last week, all dry.",
    "Die Brücke ist wieder offen!",
    "Dziękuję za opis, trafiliśmy bez mapy.",
    "Une heure de plus avec les enfants.",
    "Отметки после перевала видно плохо.",
    "桜がきれいでした。",
    "هل توجد مياه في الطريق؟",
    "Is the rope still there?",
    "The farm sells cheese 🧀 at the gate.",
)
NOTES = ("", "", "", "rain", "Schnee ab 1800 m", "с детьми", "bez kijków", "午後は霧")
