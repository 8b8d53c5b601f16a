"""What invented patients come with: complaints, findings, treatment. Own wording; not medical advice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """A reason to be seen and the words that its documents use. `{…}` are filled in by the writer."""

    name: str
    complaint: str
    history: tuple[str, ...]
    findings: tuple[str, ...]
    course: tuple[str, ...]
    medicines: tuple[str, ...]
    study: str
    study_findings: tuple[str, ...]
    impression: tuple[str, ...]
    panel: str
    advice: tuple[str, ...]
    service: str
    procedure: str = ""
    least_age: int = 18
    only_sex: str = ""


CONDITIONS = (
    Condition(
        "Community-acquired pneumonia",
        "cough and fever",
        (
            "Four days of productive cough with rust-colored sputum, chills and pleuritic pain on the right.",
            "Works around grain dust; no recent travel; a grandchild had a cold last week.",
            "Leftover cough syrup did not help; slept in a chair because lying flat brought on cough.",
        ),
        (
            "Crackles at the right base with bronchial breathing and dullness to percussion.",
            "Oxygen saturation 91 percent on room air, 95 percent on two liters.",
            "Temperature 38.9, heart rate 104, respirations 24.",
        ),
        (
            "Received intravenous antibiotics and fluids; fever settled within thirty-six hours.",
            "Oxygen was weaned by the second evening and the patient walked the hall without desaturation.",
            "Sputum grew Streptococcus pneumoniae sensitive to penicillin; blood cultures stayed sterile.",
        ),
        ("ceftriaxone 1 g IV daily", "azithromycin 500 mg daily", "amoxicillin 1 g three times daily"),
        "Chest radiograph, two views",
        (
            "Patchy consolidation in the right lower lobe with air bronchograms.",
            "Small right parapneumonic effusion. Heart size within normal limits.",
        ),
        ("Right lower lobe pneumonia. Follow-up film in six weeks to confirm clearing.",),
        "blood count",
        ("Finish the antibiotic course even when feeling well.", "Chest film in six weeks."),
        "Internal medicine",
    ),
    Condition(
        "Acute decompensated heart failure",
        "shortness of breath and swollen legs",
        (
            "Gained eleven pounds in two weeks and needs three pillows to sleep.",
            "Ran out of furosemide while visiting a sister and ate restaurant food most days.",
            "No chest pain; two nights of waking breathless.",
        ),
        (
            "Jugular venous pressure 13 cm, third heart sound, crackles to the mid zones.",
            "Pitting edema to both knees.",
            "Blood pressure 148/88, heart rate 96 and regular.",
        ),
        (
            "Diuresed 6.4 liters with intravenous furosemide; weight fell to 82.1 kg.",
            "Echocardiogram showed an ejection fraction of 35 percent with global hypokinesis.",
            "Beta blocker was resumed at half dose once euvolemic.",
        ),
        (
            "furosemide 40 mg twice daily",
            "carvedilol 6.25 mg twice daily",
            "lisinopril 10 mg daily",
            "spironolactone 25 mg daily",
        ),
        "Chest radiograph, portable",
        (
            "Enlarged cardiac silhouette with cephalization of vessels.",
            "Bilateral small effusions, Kerley B lines.",
        ),
        ("Findings consistent with pulmonary edema.",),
        "chemistry",
        ("Weigh every morning; call for a gain of three pounds in a day.", "Two grams of sodium a day."),
        "Cardiology",
        least_age=45,
    ),
    Condition(
        "Acute appendicitis",
        "abdominal pain",
        (
            "Pain began around the navel yesterday evening and moved to the right lower quadrant overnight.",
            "Vomited twice, no appetite since.",
            "No prior abdominal operation.",
        ),
        (
            "Tender at McBurney point with guarding and rebound.",
            "Rovsing sign present; bowel sounds quiet.",
            "Temperature 38.1.",
        ),
        (
            "Laparoscopic appendectomy the same night; the appendix was inflamed, not perforated.",
            "Tolerated a regular diet the next morning.",
            "Port sites clean and dry at discharge.",
        ),
        ("acetaminophen 650 mg every six hours as needed", "ibuprofen 400 mg every eight hours as needed"),
        "CT abdomen and pelvis with contrast",
        ("Dilated appendix of 12 mm with wall enhancement and fat stranding.", "No abscess, no free air."),
        ("Acute uncomplicated appendicitis.",),
        "blood count",
        ("No lifting over ten pounds for two weeks.", "Call for fever, redness or drainage."),
        "General surgery",
        procedure="Laparoscopic appendectomy",
        least_age=8,
    ),
    Condition(
        "Fracture of the distal radius",
        "wrist injury",
        (
            "Slipped on a wet porch step and fell onto the outstretched left hand.",
            "Immediate pain and deformity; no loss of consciousness.",
            "Right-handed; tetanus current.",
        ),
        (
            "Dinner-fork deformity of the left wrist, skin intact.",
            "Sensation and capillary refill normal in all fingers.",
        ),
        (
            "Closed reduction under hematoma block with good alignment; sugar-tong splint applied.",
            "Repeat films showed acceptable position.",
            "Neurovascular checks stayed normal.",
        ),
        ("acetaminophen 650 mg every six hours as needed", "calcium with vitamin D daily"),
        "Radiograph of the left wrist, three views",
        (
            "Transverse fracture of the distal radius with dorsal angulation of 20 degrees.",
            "Ulnar styloid avulsion. Carpal alignment preserved.",
        ),
        ("Distal radius fracture, dorsally angulated.",),
        "blood count",
        ("Keep the splint dry and the hand above the heart.", "Cast clinic in one week."),
        "Orthopedics",
        procedure="Closed reduction of distal radius fracture",
        least_age=10,
    ),
    Condition(
        "Type 2 diabetes mellitus, poorly controlled",
        "thirst and blurred vision",
        (
            "Two months of thirst, frequent urination and blurred vision; lost nine pounds.",
            "Home meter shows values between 240 and 310.",
            "Stopped metformin because of loose stools.",
        ),
        (
            "Dry mucous membranes; feet without ulcers, monofilament sensation reduced at both great toes.",
            "Body mass index 33.",
        ),
        (
            "Basal insulin was started and titrated with the diabetes educator.",
            "Extended-release metformin was tolerated.",
            "Dilated eye examination was arranged.",
        ),
        (
            "metformin ER 500 mg twice daily",
            "insulin glargine 18 units at bedtime",
            "atorvastatin 40 mg daily",
        ),
        "Ultrasound of the abdomen",
        ("Increased echogenicity of the liver.", "Gallbladder without stones; kidneys of normal size."),
        ("Hepatic steatosis.",),
        "chemistry",
        ("Check sugar before breakfast and at bedtime.", "Carry glucose tablets."),
        "Family medicine",
    ),
    Condition(
        "Exacerbation of asthma",
        "wheezing",
        (
            "Three days of wheeze and chest tightness after raking moldy leaves.",
            "Using the rescue inhaler every two hours with fading relief.",
            "One intubation in adolescence.",
        ),
        (
            "Speaks in short phrases; diffuse expiratory wheeze; accessory muscles in use.",
            "Peak flow 42 percent of personal best.",
        ),
        (
            "Continuous nebulized albuterol, ipratropium and systemic steroids with steady improvement.",
            "Peak flow rose to 78 percent before discharge.",
            "Inhaler technique was reviewed and corrected.",
        ),
        (
            "prednisone 40 mg daily for five days",
            "albuterol inhaler two puffs as needed",
            "budesonide-formoterol 160/4.5 two puffs twice daily",
        ),
        "Chest radiograph, two views",
        ("Hyperinflated lungs without consolidation.", "No pneumothorax."),
        ("No acute infiltrate.",),
        "blood count",
        ("Use the controller every day.", "Written action plan given."),
        "Pulmonology",
        least_age=6,
    ),
    Condition(
        "Non-ST-elevation myocardial infarction",
        "chest pain",
        (
            "Pressure across the chest for two hours while stacking firewood, with sweating and nausea.",
            "Pain eased with nitroglycerin from the ambulance crew.",
            "Father had bypass surgery at fifty-two.",
        ),
        (
            "Comfortable after treatment; no murmur; lungs clear.",
            "Blood pressure equal in both arms.",
            "Electrocardiogram with ST depression in V4 to V6.",
        ),
        (
            "Troponin peaked at 3.8; catheterization showed a tight lesion of the circumflex artery.",
            "A drug-eluting stent was placed with good flow.",
            "No arrhythmia on telemetry.",
        ),
        (
            "aspirin 81 mg daily",
            "ticagrelor 90 mg twice daily",
            "atorvastatin 80 mg daily",
            "metoprolol 25 mg daily",
        ),
        "Chest radiograph, portable",
        ("Clear lungs. Mediastinum not widened.", "Heart size upper limit of normal."),
        ("No acute process.",),
        "chemistry",
        ("Do not stop ticagrelor without calling cardiology.", "Cardiac rehabilitation referral placed."),
        "Cardiology",
        procedure="Coronary angiography with stent",
        least_age=40,
    ),
    Condition(
        "Cellulitis of the left leg",
        "redness and swelling of the leg",
        (
            "A scratch from a rose bush five days ago; since then spreading redness and warmth.",
            "Chills last night. No animal bite, no water exposure.",
        ),
        (
            "Well-marked erythema from ankle to mid shin, warm and tender; no crepitus.",
            "Small abrasion at the lateral malleolus.",
        ),
        (
            "Marked margins receded by ten centimeters on cefazolin.",
            "Duplex study showed no clot.",
            "Changed to oral cephalexin on the second day.",
        ),
        ("cefazolin 1 g IV every eight hours", "cephalexin 500 mg four times daily"),
        "Venous duplex of the left leg",
        ("Compressible deep veins with normal flow.", "Subcutaneous edema."),
        ("No deep vein thrombosis.",),
        "blood count",
        ("Keep the leg raised.", "Return if redness passes the ink line."),
        "Internal medicine",
    ),
    Condition(
        "Osteoarthritis of the right knee",
        "knee pain",
        (
            "Six years of right knee pain, now limiting stairs and sleep.",
            "Injections helped for less than a month; physical therapy completed in spring.",
        ),
        ("Varus alignment, crepitus, range of motion 5 to 105 degrees.", "Gait antalgic; pulses present."),
        (
            "Total knee arthroplasty under spinal anesthesia without complication.",
            "Walked 60 meters with a walker on the second day.",
            "Hemoglobin stable; wound dry.",
        ),
        (
            "oxycodone 5 mg every six hours as needed",
            "enoxaparin 40 mg daily for fourteen days",
            "senna at bedtime",
        ),
        "Radiograph of the right knee, standing",
        ("Complete loss of medial joint space with subchondral sclerosis.", "Marginal osteophytes."),
        ("Severe medial compartment osteoarthritis.",),
        "blood count",
        ("Blood thinner injections for two weeks.", "Bend and straighten the knee hourly while awake."),
        "Orthopedics",
        procedure="Right total knee arthroplasty",
        least_age=50,
    ),
    Condition(
        "Gallstones with biliary colic",
        "upper abdominal pain",
        (
            "Recurrent pain under the right ribs after fried meals, lasting two to three hours.",
            "No jaundice, no dark urine.",
        ),
        ("Mild tenderness in the right upper quadrant, Murphy sign negative.", "Afebrile."),
        ("Laparoscopic cholecystectomy with normal cholangiogram.", "Home the same evening on a light diet."),
        ("acetaminophen 650 mg every six hours as needed", "ondansetron 4 mg as needed"),
        "Ultrasound of the right upper quadrant",
        ("Multiple mobile shadowing stones up to 9 mm.", "Common duct 4 mm. No wall thickening."),
        ("Cholelithiasis without cholecystitis.",),
        "chemistry",
        ("Low-fat meals for two weeks.", "Call for yellow skin or fever."),
        "General surgery",
        procedure="Laparoscopic cholecystectomy",
    ),
    Condition(
        "Migraine without aura",
        "headache",
        (
            "Throbbing left-sided headache with light sensitivity, the third this month.",
            "Sleep has been short since starting night shifts.",
        ),
        ("Cranial nerves intact, neck supple, fundi normal.", "No focal deficit."),
        (
            "Pain fell from 9 to 2 of 10 after metoclopramide and ketorolac.",
            "A diary and sleep plan were agreed.",
        ),
        ("sumatriptan 50 mg at onset", "propranolol 40 mg twice daily"),
        "CT head without contrast",
        ("No hemorrhage, mass or midline shift.", "Paranasal sinuses clear."),
        ("Normal study.",),
        "chemistry",
        ("Limit rescue medicine to two days a week.", "Regular sleep and meals."),
        "Emergency medicine",
    ),
    Condition(
        "Urinary tract infection with flank pain",
        "burning urination and flank pain",
        (
            "Two days of burning, urgency and left flank ache; shaking chill this morning.",
            "No stones in the past; not pregnant.",
        ),
        ("Left costovertebral angle tenderness.", "Temperature 38.6; abdomen soft."),
        ("Escherichia coli grew in the urine, sensitive to ceftriaxone.", "Afebrile on the second day."),
        ("ceftriaxone 1 g IV daily", "cefpodoxime 200 mg twice daily"),
        "Ultrasound of the kidneys",
        ("No hydronephrosis. No stone seen.", "Bladder partly filled."),
        ("Normal renal ultrasound.",),
        "urinalysis",
        ("Finish all tablets.", "Drink two liters of water a day."),
        "Internal medicine",
    ),
    Condition(
        "Normal pregnancy, delivered",
        "contractions",
        (
            "Regular contractions every four minutes since midnight; membranes intact.",
            "Prenatal course without complication; group B streptococcus negative.",
        ),
        ("Cervix 6 cm, fully effaced, vertex at zero station.", "Fetal heart rate category one."),
        (
            "Spontaneous vaginal delivery of a live infant with Apgar scores 8 and 9.",
            "Estimated blood loss 250 mL; second-degree laceration repaired.",
            "Breastfeeding established.",
        ),
        ("ibuprofen 600 mg every six hours as needed", "prenatal vitamin daily"),
        "Obstetric ultrasound, third trimester",
        ("Single live fetus in cephalic presentation.", "Amniotic fluid normal; placenta posterior."),
        ("Appropriate growth.",),
        "blood count",
        ("Nothing in the vagina for six weeks.", "Postpartum visit in three weeks."),
        "Obstetrics",
        procedure="Vaginal delivery with perineal repair",
        only_sex="female",
        least_age=19,
    ),
    Condition(
        "Transient ischemic attack",
        "sudden weakness",
        (
            "Right hand weakness and slurred words for twenty minutes at breakfast, now resolved.",
            "Smokes half a pack a day; blood pressure tablets taken irregularly.",
        ),
        ("Speech fluent, power full, no drift.", "Carotid bruit on the left."),
        (
            "Magnetic resonance imaging showed no infarct; monitoring found no atrial fibrillation.",
            "Dual antiplatelet therapy was started and smoking cessation counseled.",
        ),
        (
            "aspirin 81 mg daily",
            "clopidogrel 75 mg daily",
            "amlodipine 5 mg daily",
            "rosuvastatin 20 mg daily",
        ),
        "CT angiogram of head and neck",
        ("Moderate stenosis, 55 percent, of the left internal carotid artery.", "No large vessel occlusion."),
        ("Left carotid stenosis, moderate.",),
        "chemistry",
        ("Call 911 for any return of symptoms.", "Stop smoking; patches supplied."),
        "Internal medicine",
        least_age=50,
    ),
)

REVIEW = (
    "Constitutional: appetite fair, no night sweats.",
    "Eyes and ears: no change in vision or hearing except as above.",
    "Heart: no palpitations. Lungs: as in the history.",
    "Abdomen: bowels regular unless noted.",
    "Skin: no rash. Joints: stiffness on cold mornings only.",
    "Sleep: five to seven hours, uninterrupted most nights.",
)
SOCIAL = (
    "Lives with a spouse in a single-story house; independent in daily tasks.",
    "Lives alone with a daughter nearby who visits on weekends.",
    "Never smoked; a glass of wine with Sunday dinner.",
    "Quit smoking nine years ago after twenty pack-years.",
    "Walks the dog a mile each morning.",
    "Drives, manages own finances and medicines.",
)
PAST = (
    "Hypertension for ten years.",
    "Hypothyroidism on replacement.",
    "Seasonal allergies.",
    "Tonsillectomy in childhood.",
    "Cesarean section in 1994.",
    "Hernia repair in 2011.",
    "Gout, last flare two years ago.",
    "No prior hospital stays.",
)
ALLERGIES = (
    "No known drug allergies.",
    "Penicillin: rash in childhood.",
    "Sulfa drugs: hives.",
    "Codeine: nausea.",
)
PROGRESS = (
    "Slept well; pain 3 of 10 with movement. Eating half of meals.",
    "Up in the chair for breakfast, walked to the nurses' station with one person.",
    "No events overnight. Asks about going home.",
    "Discussed the plan with the patient and a family member; questions answered.",
    "Case manager is arranging equipment; pharmacy reviewed home medicines.",
    "Vital signs stable. Lines removed. Continue present treatment.",
    "Mildly short of breath with stairs, otherwise improving day by day.",
    "Laboratory values reviewed; potassium replaced by mouth.",
)
# name, unit, low, high, decimals
PANELS: dict[str, tuple[tuple[str, str, float, float, int], ...]] = {
    "blood count": (
        ("White blood cells", "10^3/uL", 4.0, 11.0, 1),
        ("Red blood cells", "10^6/uL", 3.9, 5.6, 2),
        ("Hemoglobin", "g/dL", 12.0, 17.0, 1),
        ("Hematocrit", "%", 36.0, 50.0, 1),
        ("Mean corpuscular volume", "fL", 80.0, 100.0, 1),
        ("Platelets", "10^3/uL", 150.0, 400.0, 0),
        ("Neutrophils", "%", 40.0, 75.0, 1),
        ("Lymphocytes", "%", 18.0, 45.0, 1),
        ("Eosinophils", "%", 0.0, 6.0, 1),
        ("C-reactive protein", "mg/L", 0.0, 8.0, 1),
    ),
    "chemistry": (
        ("Sodium", "mmol/L", 135.0, 145.0, 0),
        ("Potassium", "mmol/L", 3.5, 5.1, 1),
        ("Chloride", "mmol/L", 98.0, 107.0, 0),
        ("Bicarbonate", "mmol/L", 22.0, 29.0, 0),
        ("Urea nitrogen", "mg/dL", 7.0, 22.0, 0),
        ("Creatinine", "mg/dL", 0.6, 1.3, 2),
        ("Glucose", "mg/dL", 70.0, 105.0, 0),
        ("Calcium", "mg/dL", 8.5, 10.3, 1),
        ("Alanine aminotransferase", "U/L", 7.0, 45.0, 0),
        ("Bilirubin, total", "mg/dL", 0.1, 1.2, 1),
        ("Hemoglobin A1c", "%", 4.0, 5.7, 1),
        ("Troponin I", "ng/mL", 0.0, 0.04, 2),
    ),
    "urinalysis": (
        ("Specific gravity", "", 1.005, 1.030, 3),
        ("pH", "", 5.0, 8.0, 1),
        ("Protein", "mg/dL", 0.0, 20.0, 0),
        ("Glucose", "mg/dL", 0.0, 15.0, 0),
        ("Leukocytes", "/hpf", 0.0, 5.0, 0),
        ("Red cells", "/hpf", 0.0, 3.0, 0),
        ("Urobilinogen", "mg/dL", 0.2, 1.0, 1),
    ),
}
