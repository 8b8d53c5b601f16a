"""Invented people: names, streets and towns put together for Chartroom. Any likeness is chance."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FAMILY_NAMES = _words(
    """
    Abernathy Adeyemi Ahlgren Albrecht Alvarado Amundsen Anand Arceneaux Asante Atwater Babcock
    Bakshi Baptiste Barrow Batista Beaumont Bellweather Benavides Berglund Birch Blackwood Boateng
    Bouchard Brannigan Brightwell Brockman Calderón Callahan Cardoza Castellano Chaudhry Christensen
    Cobb Colfax Crenshaw Cuthbert Dalgaard Danforth Delacroix Dhillon Diallo Donnelly Drummond
    Dumont Eastman Ekström Ellsworth Engström Escobedo Fairbanks Farrow Featherstone Ferreira
    Finnegan Fitzroy Fontaine Forsythe Fujimoto Gallardo Galloway Garza Goodfellow Grantham Grimaldi
    Guerrero Hagen Halvorsen Hargrove Hashimoto Hawthorne Heatherly Hinojosa Holloway Huang Ibarra
    Ingram Iversen Jablonski Jankowski Jimenez Johansson Kamara Kapoor Keating Kensington Kim
    Kirkland Kowalski Kwan Lachance Langley Larrabee Ledbetter Lindqvist Littlejohn Locklear
    Lombardi Macready Maddox Magaña Marchetti Marlowe Mbeki McAllister McGinty Medeiros Merriweather
    Montoya Moriarty Mukherjee Müller Nakagawa Navarro Ndiaye Nguyen Nightingale Núñez Oakley
    Obregón Ogunleye Okafor Olmstead Ortega Osterberg Overton Pacheco Park Pemberton Petrosyan
    Pettigrew Pham Pickering Prescott Quesada Quigley Rademacher Ramaswamy Redfern Reyes Ridgeway
    Rosenthal Rutherford Sackett Salazar Sandoval Sato Schroeder Seaborn Shahid Silverman Skaggs
    Somerville Stavros Strickland Sundaram Tadesse Tanaka Thackeray Thibodeaux Thorne Tillman
    Toussaint Trujillo Tully Underhill Vandermeer Vasquez Villanueva Voss Wadsworth Wakefield
    Washington Weatherby Westerveld Whitlock Winslow Wojcik Xiong Yamamoto Yarborough Yousef Zamora
    Zeller Zimmerman
    """
)
FEMALE_NAMES = _words(
    """
    Abigail Adaeze Alma Amelia Anita Annika Beatriz Bernice Bonnie Camille Carmen Cecilia Chloë
    Clara Colette Consuelo Daphne Delia Dolores Edith Eileen Elena Eloise Esther Fatima Fiona
    Florence Frances Gloria Greta Gwendolyn Harriet Hazel Ingrid Irene Isabel Ivy Josephine Juanita
    June Kavita Leila Leona Lorraine Lucille Mabel Magdalena Marisol Maude Mei Minerva Nadia Naomi
    Noor Odessa Olive Opal Paloma Phoebe Priya Ramona Renée Rosalind Rosario Ruth Sabine Saoirse
    Selma Shirin Simone Solveig Sylvia Tamsin Thea Ursula Valentina Vera Violet Willa Winifred
    Yolanda Yuki Zora
    """
)
MALE_NAMES = _words(
    """
    Abraham Adrian Alonzo Ambrose Amir Anders Arthur Augustus Bartholomew Basil Benedict Calvin
    Casimir Cedric Clarence Clifford Cornelius Cyrus Desmond Diego Dominic Edgar Elias Emeka Emilio
    Ernest Ezra Felix Fergus Floyd Francisco Gideon Gilbert Hector Herbert Horatio Hugo Ignacio
    Isaac Ivan Jasper Jerome Joaquín José Julian Kenji Kofi Lamar Leopold Linus Lorenzo Malcolm
    Marcel Mateo Maurice Milton Nathaniel Nikhil Norman Octavio Olaf Omar Orville Oscar Patrick
    Percy Quentin Rafael Raymond Reginald Roland Rufus Samir Santiago Seamus Silas Stellan Tariq
    Thaddeus Theodore Tobias Ulysses Vernon Victor Wallace Walter Winston Yusuf
    """
)
STREETS = _words(
    """
    Alder Bellflower Birchbark Bluestem Candlewick Cedar Chestnut Clover Copperfield Cottonwood
    Driftwood Elderberry Falcon Fernhill Foundry Foxglove Granary Gristmill Harvest Hickory Juniper
    Kestrel Lantern Larkspur Linden Mallard Maple Meadowlark Millrace Orchard Pheasant Quarry Ravine
    Saddler Sorrel Spindle Sycamore Tamarack Thistle Trillium Walnut Wheelwright Wicker Willow
    """
)
STREET_KINDS = ("Street", "Avenue", "Lane", "Road", "Court", "Drive", "Terrace")
# Towns of no state; 00 begins no ZIP code in use.
TOWNS = (
    ("Harrow Falls", "00412"),
    ("Millbrook Junction", "00418"),
    ("Saint Orrin", "00423"),
    ("Tallow Creek", "00427"),
    ("East Quarry", "00431"),
    ("Larkhaven", "00436"),
    ("Port Ambrose", "00440"),
)
STATE = "NE"
PHYSICIANS = (
    ("clinician", "Marguerite", "Halloran", "Internal medicine", "4 West"),
    ("clinician2", "Desmond", "Achterberg", "Emergency medicine", "Emergency"),
    ("demo-okonkwo", "Ifeoma", "Okonkwo", "Cardiology", "5 East"),
    ("demo-lindgren", "Pär", "Lindgren", "General surgery", "3 North"),
    ("demo-vaziri", "Shirin", "Vaziri", "Orthopedics", "3 North"),
    ("demo-teague", "Rosalind", "Teague", "Family medicine", "Clinic A"),
    ("demo-mbatha", "Sipho", "Mbatha", "Pulmonology", "Clinic B"),
    ("demo-castile", "Renata", "Castile", "Obstetrics", "2 South"),
)
HOSPITAL = "Harrow Falls General Hospital"
HOSPITAL_LINES = (
    "1200 Foundry Avenue, Harrow Falls, NE 00412",
    "Health Information Management · (555) 010-0140",
)
EMPLOYERS = (
    "Tallow Creek Creamery",
    "Harrow Falls School District",
    "Gristmill Foods",
    "Port Ambrose Shipyard",
    "Larkhaven Library",
    "Quarry & Stone Cooperative",
    "self-employed",
    "retired",
)
INSURERS = (
    ("Prairie Mutual Health Plan", "PMH"),
    ("Bluestem Choice", "BSC"),
    ("Foundry Workers Trust", "FWT"),
    ("Meadowlark Senior Plan", "MSP"),
)
LAW_FIRMS = (
    ("Redfern & Oakley LLP", "Corinne Oakley", "88 Courthouse Square, Harrow Falls, NE 00412"),
    ("Thackeray Injury Law", "Miles Thackeray", "410 Lantern Street, Port Ambrose, NE 00440"),
)
INSURANCE_OFFICES = (
    ("Keystone Life Assurance", "Underwriting records desk", "P.O. Box 7100, Larkhaven, NE 00436"),
    ("Gristmill Foods Disability Plan", "Benefits office", "3 Gristmill Road, Tallow Creek, NE 00427"),
)
